"""`enveis receipt`: for a source, or a lawyer, who does not want the gateway to make the receipt."""

from argparse import ArgumentParser, Namespace

from enveis.command import Command
from enveis.terminal import Terminal


def _new_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--classic", action="store_true", help="for a gateway whose recipients are classic")


def _new(arguments: Namespace, terminal: Terminal) -> int:
    from dataclasses import asdict

    from keys.receipt import new_receipt_words, public_receipt
    from keys.recipient import Kind

    words = new_receipt_words()
    public = asdict(public_receipt(words, Kind.CLASSIC if arguments.classic else Kind.HYBRID))
    if terminal.as_json:
        terminal.answer({"return": words.return_words, "proof": words.proof_words, "public": public})
        return 0
    terminal.say(
        "Return words, to come back for an answer:",
        f"  {terminal.strong(words.return_words)}",
        "Proof words, which prove later that you were the one. Never type them into any page:",
        f"  {terminal.strong(words.proof_words)}",
        "",
        "Write both on paper; they are stored nowhere and cannot be made again.",
        "Public halves, which may be handed in:",
        *(f"  {name:<10} {text}" for name, text in public.items()),
    )
    return 0


COMMANDS = (Command("new", "make return and proof words on this machine", _new, _new_arguments),)
