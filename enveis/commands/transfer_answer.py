"""`enveis transfer acknowledge` and `discard`: the two commands by which the low side deletes packets."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, file_name, home_of
from enveis.errors import RefusedError, UsageError
from enveis.terminal import Terminal
from enveis.wiring import low_side, waiting_limits

if TYPE_CHECKING:
    from transfer.low_side.acknowledge import AcknowledgeReport
    from transfer.low_side.discard import DiscardCandidate
    from transfer.low_side.low_side import LowSide


def _acknowledge_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="WORD", help="the acknowledgement words that the import printed")
    parser.add_argument(
        "--missing",
        nargs="+",
        default=[],
        metavar="ID",
        help="packets that the import listed as missing; the first digits of their ids are enough",
    )
    parser.add_argument(
        "--answers",
        type=file_name,
        metavar="FILE",
        help="a file that the import wrote, instead of acknowledgement words",
    )


def _acknowledge(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home.home import GatewayHome
    from transfer.low_side.acknowledge import acknowledge

    if bool(arguments.words) == (arguments.answers is not None) or (arguments.answers and arguments.missing):
        raise UsageError("give either the acknowledgement words or --answers FILE")
    low = low_side(GatewayHome(home_of(arguments)))
    if arguments.answers is not None:
        return _acknowledge_file(low, arguments.answers, terminal)
    report = acknowledge(low, " ".join(arguments.words), missing=arguments.missing)
    if terminal.as_json:
        terminal.answer(_as_json(report))
    else:
        _say(terminal, report)
    return 0


def _acknowledge_file(low: "LowSide", path: Path, terminal: Terminal) -> int:
    from disk.handed_over import read_handed_over
    from keys.words import WordsError
    from transfer.batch.acknowledgement import ANSWER_FILE_MAX, parse_answers
    from transfer.batch.batch import gateway_id
    from transfer.errors import CodeError
    from transfer.low_side.acknowledge import acknowledge

    answers = parse_answers(read_handed_over(path, largest=ANSWER_FILE_MAX))
    ours = [answer for answer in answers if answer.gateway == gateway_id(low.key.public)]
    if not ours:
        raise RefusedError(f"{path} has no answer for this gateway; nothing was deleted")
    reports, problems = [], []
    try:
        for answer in ours:
            try:
                reports.append(acknowledge(low, answer.words, missing=answer.missing))
            except (CodeError, WordsError) as error:
                # For example a stale answer: the desk has imported again since. The answers after it are still good.
                problems.append((answer.number, str(error)))
    finally:
        # What was done before our own disk failed is reported too.
        if terminal.as_json:
            failed = [{"number": number, "problem": problem} for number, problem in problems]
            terminal.answer([*(_as_json(report) for report in reports), *failed])
        for report in [] if terminal.as_json else reports:
            _say(terminal, report)
        for number, problem in problems:
            terminal.warn(f"Batch {number}: {problem}")
    return 1 if problems else 0


def _as_json(report: "AcknowledgeReport") -> dict[str, object]:
    lists = {"deleted": list(report.deleted), "returned": list(report.returned)}
    return {"number": report.number, "repeated": report.repeated, **lists}


def _say(terminal: Terminal, report: "AcknowledgeReport") -> None:
    if report.repeated:
        terminal.say(f"Batch {report.number} was acknowledged before; there is nothing left to do.")
        return
    terminal.say(f"Batch {report.number}: {len(report.deleted)} packets have arrived and were deleted here.")
    if report.returned:
        terminal.say(f"{len(report.returned)} packets go into a later batch.")


def _discard_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("packets", nargs="*", metavar="ID", help="packet ids, or at least their first four digits")
    parser.add_argument("--all", action="store_true", help="every packet that has waited longer than the limit")
    parser.add_argument("--sentence", metavar="TEXT", help="the sentence that the command asks for, for a script")
    add_accept_clock(parser)


def _discard(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home.home import GatewayHome
    from transfer.low_side.discard import choose, discard_packets, past_retention

    if arguments.all and arguments.packets:
        raise UsageError("give either packet ids or --all")
    home = GatewayHome(home_of(arguments))
    low, days = low_side(home), waiting_limits(home).retention_days
    check_clock(home.clock(), arguments)
    found = past_retention(low, days=days)
    chosen = found if arguments.all else choose(found, arguments.packets)
    if not chosen:
        _list(terminal, found, days)
        return 0
    if not terminal.as_json:
        _list(terminal, chosen, days)
    _demand_sentence(arguments.sentence, len(chosen))
    discard_packets(low, chosen)
    if terminal.as_json:
        terminal.answer({"discarded": [item.id for item in chosen]})
    else:
        terminal.say(f"{len(chosen)} packets were permanently deleted here; the log records each of them.")
    return 0


def _list(terminal: Terminal, packets: "list[DiscardCandidate]", days: int) -> None:
    from transfer.short_ids import shorten_ids

    short = {} if terminal.as_json else shorten_ids(item.id for item in packets)
    rows = [
        (
            short.get(item.id, item.id),
            item.lane,
            item.days,
            "waits for acknowledgement words: it may have arrived" if item.exported else "never exported",
        )
        for item in packets
    ]
    if rows or terminal.as_json:
        terminal.table(("packet", "lane", "days", "state"), rows)
    else:
        terminal.say(f"No packet has waited for {days} days (retention_days in gateway.toml).")


def _demand_sentence(given: str | None, count: int) -> None:
    import sys

    wanted = f"I delete {count} packets that nobody may have received"
    if given is None and sys.stdin.isatty():
        try:
            given = input(f"To delete them permanently, type: {wanted}\n")
        except (EOFError, UnicodeError):
            given = ""
    if (given or "").strip() != wanted:
        raise RefusedError(f"nothing was deleted; the sentence that deletes is: {wanted}")


COMMANDS = (
    Command("acknowledge", "low side: delete what has arrived", _acknowledge, _acknowledge_arguments),
    Command("discard", "low side: delete packets that have waited longer than the limit", _discard, _discard_arguments),
)
