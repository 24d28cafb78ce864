"""`enveis keys`: the public halves that lie in a home, and the words by which people compare them."""

from argparse import Namespace
from pathlib import Path

from enveis.command import Command, RefusedError, home_of
from enveis.terminal import Terminal


def _show(arguments: Namespace, terminal: Terminal) -> int:
    from keys.recipient import parse_recipients
    from keys.signing import parse_verify_key
    from keys.words import fingerprint_words

    home = home_of(arguments)
    rows: list[tuple[str, str, str]] = []
    if (home / "recipients.txt").exists():
        recipients = parse_recipients(_text(home / "recipients.txt"))
        canonical = "".join(f"{recipient}\n" for recipient in recipients).encode()
        kind = f"{len(recipients)} {recipients[0].kind}"
        rows.append(("recipients.txt", kind, fingerprint_words(canonical)))
    for name in ("gateway.pub", "desk.pub"):
        if (home / name).exists():
            key = parse_verify_key(_text(home / name))
            rows.append((name, key.key_id.lower(), fingerprint_words(key.raw)))
    if not rows:
        raise RefusedError(f"{home} holds no public keys: it is neither a gateway's home nor a desk's")
    terminal.table(("file", "key", "fingerprint words"), rows)
    return 0


def _text(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(64 * 1024).decode("ascii", "replace")


COMMANDS = (Command("show", "public keys of this home, with words to compare them by", _show),)
