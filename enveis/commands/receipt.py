"""`enveis receipt`: for a source, or the source's lawyer, who does not want the gateway to make the receipt."""

import getpass
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from enveis.command import Command, confirm, demand_new, demand_new_folder, file_name, folder_name
from enveis.errors import RefusedError
from enveis.terminal import Terminal

WORDS_MAX: Final = 4096  # characters of typed words read
LANGUAGES: Final = ("nb", "nn", "da", "en")  # that have words of their own; keys/word_list.py
TEXT: Final = "receipt-public.txt"
CODES: Final = "receipt-public.html"


def _new_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--classic", action="store_true", help="for a gateway whose recipients are classic")
    parser.add_argument(
        "--language", choices=LANGUAGES, default="en", help="the language of the words (default: en); all are read"
    )
    parser.add_argument(
        "--to",
        type=folder_name,
        metavar="FOLDER",
        help="write the public halves to FOLDER, as text and as codes to scan",
    )
    parser.add_argument("--qr", action="store_true", help="draw the public halves as codes to scan, 80 columns wide")


def _new(arguments: Namespace, terminal: Terminal) -> int:
    from dataclasses import asdict

    from keys.receipt import new_receipt_words, public_receipt
    from keys.recipient import KeyKind
    from keys.word_list import word_list_for

    if arguments.to is not None:
        demand_new_folder(arguments.to)
        _demand_room(arguments.to)
    words = new_receipt_words(word_list=word_list_for(arguments.language))
    public = asdict(public_receipt(words, KeyKind.CLASSIC if arguments.classic else KeyKind.HYBRID))
    lines = [f"{name:<10} {text}" for name, text in public.items()]
    if arguments.to is not None:
        _write_public(arguments.to, lines)
    if terminal.as_json:
        terminal.answer({"return": words.return_words, "proof": words.proof_words, "public": public})
        return 0
    terminal.say(
        "Return words, to come back for an answer:",
        f"  {terminal.strong(words.return_words)}",
        "Proof words, to prove later that you were the sender. Never type them into any web page:",
        f"  {terminal.strong(words.proof_words)}",
        "",
        "Write both on paper; they are stored nowhere and cannot be recovered.",
    )
    if arguments.to is not None:
        terminal.say(
            f"The public halves, which you may hand in, are in {TEXT} and {CODES} in {arguments.to}; no words."
        )
    elif not arguments.qr:
        terminal.say("Public halves, which you may hand in:", *(f"  {line}" for line in lines))
    if arguments.qr:
        _draw(lines, terminal)
    return 0


def _demand_room(folder: Path) -> None:
    """Refuse a folder that is none, or has a receipt already, before there are words that somebody might write down."""
    for name in (TEXT, CODES):
        demand_new(folder / name)


def _write_public(folder: Path, lines: list[str]) -> None:
    """Write the public halves as text, and as a page of codes; never over anything that is there."""
    from disk.durable import write_new
    from transfer.bundle.qr_codes import encode_page
    from transfer.bundle.qr_frames import encode_frames

    text = "".join(f"{line}\n" for line in lines).encode("ascii")
    frames = encode_frames(text)
    about = [
        f"{len(frames)} of {len(frames)} codes are needed, in any order. Scan them, and paste what they say into the "
        "form, under “I made my receipt myself”. Nothing here is secret, and no words are in it.",
    ]
    write_new(folder / TEXT, [text])
    write_new(folder / CODES, [encode_page("The public halves of a receipt", about, frames)])


def _draw(lines: list[str], terminal: Terminal) -> None:
    from transfer.bundle.qr_codes import SCREEN_PAYLOAD, draw
    from transfer.bundle.qr_frames import encode_frames

    frames = encode_frames("\n".join(lines).encode("ascii"), payload=SCREEN_PAYLOAD)
    terminal.say(f"Public halves, which you may hand in: {len(frames)} codes to scan, all of them, in any order.")
    for place, frame in enumerate(frames, 1):
        terminal.say("", f"Code {place} of {len(frames)}:", *draw(frame))


def _prove_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("challenge", type=file_name, metavar="CHALLENGE", help="the file that the verifier gave you")
    parser.add_argument("--to", type=file_name, metavar="FILE", help="write the proof to FILE; default: print it")
    parser.add_argument("--yes", action="store_true", help="do not ask: the challenge was read")


def _prove(arguments: Namespace, terminal: Terminal) -> int:
    from disk.durable import write_new
    from disk.handed_over import read_handed_over
    from keys.receipt import derive_proof_seed, parse_proof_words
    from transfer.packet.authorship_proof import PROOF_MAX, encode_proof, parse_challenge, sign_challenge

    if arguments.to is not None:
        demand_new(arguments.to)
    challenge = parse_challenge(read_handed_over(arguments.challenge, largest=PROOF_MAX))
    terminal.note(f"{challenge.verifier} asks you to prove that you sent packet {challenge.packet},")
    terminal.note(f"  for:  {challenge.purpose}")
    terminal.note(f"  on:   {challenge.day}")
    terminal.note("Whoever gets the proof can show it to anybody, for ever. You cannot take it back.")
    if not confirm("Do you want to prove this?", yes=arguments.yes):
        terminal.note("Nothing was signed.")
        return 1
    proof = sign_challenge(derive_proof_seed(parse_proof_words(_read_words())), challenge)
    content = encode_proof(proof)
    if arguments.to is not None:
        write_new(arguments.to, [content])
    if terminal.as_json:
        terminal.answer({"packet": challenge.packet, "key": proof.public, "signature": proof.signature})
    elif arguments.to is not None:
        terminal.say(f"The proof is in {arguments.to}: give it to {challenge.verifier}, and to nobody else.")
    else:
        terminal.say(*content.decode().rstrip("\n").split("\n"))
    return 0


def _read_words() -> str:
    """Read the proof words from the terminal, without showing them, or from a pipe; never from an argument."""
    try:
        if sys.stdin.isatty():
            return getpass.getpass("Proof words (they are not shown): ")
        return sys.stdin.read(WORDS_MAX)
    except EOFError:
        raise RefusedError("no proof words were given; nothing was signed") from None
    except UnicodeError:
        raise RefusedError("what was typed is not UTF-8 text; nothing was signed") from None


COMMANDS = (
    Command("new", "make return words and proof words on this machine", _new, _new_arguments),
    Command("prove", "prove that you sent a packet, with its proof words", _prove, _prove_arguments),
)
