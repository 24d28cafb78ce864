"""`enveis audit`: read a log, and verify that its lines form one chain up to heads that were signed elsewhere."""

import json
from argparse import ArgumentParser, Namespace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from enveis.command import Command, UsageError, home_of
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from audit.chain import Head


def _verify_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("log", type=Path, metavar="LOG")
    parser.add_argument("--key", type=Path, metavar="gateway.pub", help="whose signed batches are looked at")
    parser.add_argument(
        "--batch",
        type=Path,
        action="append",
        default=[],
        metavar="BAG",
        help="a bag, or its batch.json: the log's head was signed into it; may be given again",
    )


def _verify(arguments: Namespace, terminal: Terminal) -> int:
    from audit.log import AuditLog

    if bool(arguments.batch) != (arguments.key is not None):
        raise UsageError("--key and --batch belong together: the key says whose batches may speak for the log")
    heads = [_signed_head(path, arguments.key) for path in arguments.batch]
    with arguments.log.open("rb"):
        pass  # an absent log is an error, not an empty one
    report = AuditLog(arguments.log, today=date.today).check(heads=heads)
    if terminal.as_json:
        faults = [{"line": fault.line, "reason": fault.reason} for fault in report.faults]
        head = {"seq": report.head.seq, "hash": report.head.hash}
        terminal.answer({"head": head, "anchored": report.anchored, "faults": faults})
        return 1 if report.faults else 0
    for fault in report.faults:
        terminal.warn(fault.reason)
    if not report.faults:
        terminal.say(f"The {report.head.seq} lines form one chain.")
    loose = report.head.seq - report.anchored
    if loose:
        terminal.say(f"The last {loose} lines are unanchored: no signed head given here vouches for them.")
    return 1 if report.faults else 0


def _signed_head(path: Path, key: Path) -> "Head":
    from audit.chain import Head
    from keys.signing import parse_verify_key
    from transfer.batch import MANIFEST_MAX, SIGNATURE_MAX, gateway_id, verify_batch

    manifest = path / "batch.json" if path.is_dir() else path
    trusted = parse_verify_key(_read(key, SIGNATURE_MAX).decode("ascii", "replace"))
    signature = _read(manifest.with_name(manifest.name + ".minisig"), SIGNATURE_MAX).decode("utf-8", "replace")
    batch = verify_batch(_read(manifest, MANIFEST_MAX), signature, {gateway_id(trusted): trusted})
    return Head(batch.audit.last, batch.audit.head)


def _read(path: Path, largest: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(largest + 1)


def _show_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("log", type=Path, nargs="?", metavar="LOG", help="default: the log of this home")


def _show(arguments: Namespace, terminal: Terminal) -> int:
    from audit.chain import LINE_MAX, encode_line, parse_line

    path: Path = arguments.log or home_of(arguments) / "audit.jsonl"
    rows = []
    with path.open("rb") as stream:
        while line := stream.readline(LINE_MAX + 2):
            said = json.loads(encode_line(parse_line(line.removesuffix(b"\n"))))
            rest = {name: said[name] for name in said if name not in {"v", "seq", "day", "event", "prev"}}
            details = rest if terminal.as_json else " ".join(f"{name}={value}" for name, value in rest.items())
            rows.append((said["seq"], said["day"], said["event"], details))
    terminal.table(("seq", "day", "event", "details"), rows)
    return 0


COMMANDS = (
    Command("verify", "check that a log's lines form one chain, up to signed heads", _verify, _verify_arguments),
    Command("show", "list what a log says", _show, _show_arguments),
)
