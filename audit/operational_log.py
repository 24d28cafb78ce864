"""The operational log: what a machine writes, line by line on standard error, for the people who watch it.

It is not the audit log: nothing is chained, and nothing is kept here. It stands in this station because it follows the
same rule, a closed list of events with a closed set of fields, and because both machines may import this station.
There is no field into which a stranger's text, name, address or exact time could slip.

Whoever serves others writes `aside`: no call of `log` waits for a reader then, and repetitions are counted
(`line_writer`). structlog is loaded with the first line: commands that log nothing start without it, in half the time.
"""

import io
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, TypedDict, Unpack

from audit.line_writer import AsideStream, LineWriter, Values

if TYPE_CHECKING:
    import structlog


class LogForm(StrEnum):
    """How lines are written; a setting of the gateway and of each end of a link."""

    JSON = "json"  # for programs: an object with the event and its fields
    CONSOLE = "console"  # for people: a sentence


class LogEvent(StrEnum):
    """What a machine tells its operator; each has its sentence in SENTENCES."""

    LEFTOVERS_REMOVED = "leftovers-removed"
    CAGE_PROVEN = "cage-proven"
    CAGE_BROKEN = "cage-broken"
    SCANNER_FIT = "scanner-fit"
    SCANNER_UNFIT = "scanner-unfit"
    INSPECTION_OFF = "inspection-off"
    SWAP_ACTIVE = "swap-active"
    TEXTS_UNSET = "texts-unset"
    METRICS_UNAVAILABLE = "metrics-unavailable"
    REQUESTS_WAIT = "requests-wait"
    VALVE_SHUT = "valve-shut"
    VALVE_OPEN = "valve-open"
    STOPPING = "stopping"
    FAULT = "fault"
    LINES_DROPPED = "lines-dropped"
    CONNECTIONS_WAIT = "connections-wait"
    CLOCK_BEHIND = "clock-behind"
    LINK_SENDING = "link-sending"
    BATCH_SENT = "batch-sent"
    BATCH_SENT_AGAIN = "batch-sent-again"
    BATCH_NOT_SENT = "batch-not-sent"
    PACKET_UNREADABLE = "packet-unreadable"
    SENDER_BLOCKED = "sender-blocked"
    LINK_LISTENING = "link-listening"
    BATCH_ARRIVED = "batch-arrived"
    PACKETS_ABSENT = "packets-absent"
    DISK_FULL = "disk-full"
    PROCESS_RESTARTED = "process-restarted"


class LogFields(TypedDict, total=False):
    """Every field that a line may have: numbers, ids, and what our own settings and errors say."""

    count: int
    gateway: str  # id: 16 hexadecimal digits
    batch: int
    transmission: int
    passes: int
    size: int  # bytes
    packets: int
    packet: str  # id: 32 hexadecimal digits
    unsent: int  # datagrams
    role: str  # of a process of ours
    status: int  # with which it ended
    address: str  # of our own settings
    rate: int  # bytes per second
    reason: str  # an expected error's sentence: it names our own files and numbers, never content
    repeats: int  # how often the same line came again and was not written


SENTENCES: Final[dict[LogEvent, str]] = {
    LogEvent.LEFTOVERS_REMOVED: "{count} unfinished packets of an earlier run were removed.",
    LogEvent.CAGE_PROVEN: "The cage withstood every attack of its test.",
    LogEvent.CAGE_BROKEN: "The cage does not withstand every attack, and the settings accept that.",
    LogEvent.SCANNER_FIT: "The virus scanner found all canaries.",
    LogEvent.SCANNER_UNFIT: "The virus scanner does not answer: files are held.",
    LogEvent.INSPECTION_OFF: "Inspection is switched off: files are held.",
    LogEvent.SWAP_ACTIVE: "Swap is active, so memory may reach a disk: use swapoff, or swap with a fresh key.",
    LogEvent.TEXTS_UNSET: "{count} texts of the pages are not set: 'enveis gateway check' names each.",
    LogEvent.METRICS_UNAVAILABLE: "The metrics could not be read or offered; the next tick tries again.",
    LogEvent.REQUESTS_WAIT: "Requests to withdraw or to delete wait: the spool has no room for their packet.",
    LogEvent.VALVE_SHUT: "Too much is being sent: files are not accepted now, text is.",
    LogEvent.VALVE_OPEN: "Files are accepted again.",
    LogEvent.STOPPING: "Stopping: uploads under way come to their end.",
    LogEvent.FAULT: "A fault in Enveis.",
    LogEvent.LINES_DROPPED: "{count} lines of this log were dropped: nobody read it for a while.",
    LogEvent.CONNECTIONS_WAIT: "This process may not open more files and connections now: new connections wait.",
    LogEvent.CLOCK_BEHIND: "This machine's clock is before the last day of its audit log: set it. What comes is "
    "received, and dated by the log; nothing can be signed, and nothing expires.",
    LogEvent.LINK_SENDING: "Sending to {address}, at most {rate} bytes a second. Press Ctrl-C to end.",
    LogEvent.BATCH_SENT: "Batch {batch} was sent: {size} bytes, transmission {transmission} of {passes}.",
    LogEvent.BATCH_SENT_AGAIN: "Batch {batch} was sent: {size} bytes, transmission {transmission}, on the carousel.",
    LogEvent.BATCH_NOT_SENT: "Batch {batch} did not leave this machine ({unsent} datagrams were not sent): is the "
    "interface up, and does it have its address? The batch is sent again automatically.",
    LogEvent.PACKET_UNREADABLE: "Packet {packet} of batch {batch} cannot be read here and arrives as missing.",
    LogEvent.SENDER_BLOCKED: "{reason}",
    LogEvent.LINK_LISTENING: "Listening on {address} for {count} gateways. Press Ctrl-C to end.",
    LogEvent.BATCH_ARRIVED: "Batch {batch} of gateway {gateway} has arrived: {packets} packets. "
    "Run 'enveis transfer import' to take it into the inbox.",
    LogEvent.PACKETS_ABSENT: "{count} packets of batch {batch} are missing: the gateway cannot read them.",
    LogEvent.DISK_FULL: "The receiver's disk is full: what has arrived waits there until there is space.",
    LogEvent.PROCESS_RESTARTED: "The {role} process ended with status {status} and was restarted.",
}


# Each of these ends what another one began: the second time is news, and never only counted.
_STATES: Final = frozenset({LogEvent.VALVE_SHUT, LogEvent.VALVE_OPEN, LogEvent.SCANNER_UNFIT, LogEvent.SCANNER_FIT})


class _Chosen:
    form = LogForm.JSON
    writer: LineWriter | None = None


def choose_form(form: LogForm, *, load: bool = False) -> None:
    """Write lines in this form from now on; until then they are JSON.

    `load` loads structlog at once: for a process that may have no descriptor left to open its files later.
    """
    _Chosen.form = form
    if load:
        _renderer(form)


@contextmanager
def aside() -> Iterator[TextIO]:
    """Write lines in a thread of their own while the block lasts; gives a stream for notes that shall wait as little.

    At its end, what waits is written if somebody reads it soon. Invariant A6.
    """
    try:
        writer = LineWriter(sys.stderr.fileno(), _encode)
    except io.UnsupportedOperation:  # standard error is no file here
        yield sys.stderr
        return
    sys.stderr.flush()
    writer.start()
    _Chosen.writer = writer
    try:
        yield AsideStream(writer, isatty=sys.stderr.isatty())  # type: ignore[misc]  # all that a Terminal asks of one
    finally:
        _Chosen.writer = None
        writer.close()


def log(event: LogEvent, *, fault: BaseException | None = None, **fields: Unpack[LogFields]) -> None:
    """Write one event. Of a fault only its type and the line of code are written: its message may quote what was sent.

    Raises:
        TypeError: A field that is not one of LogFields.
    """
    if unknown := fields.keys() - LogFields.__annotations__.keys():
        raise TypeError(f"the log has no field {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {"event": event.value, **fields}
    if fault is not None:
        values["type"] = type(fault).__name__
        frames = traceback.extract_tb(fault.__traceback__)
        values["at"] = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    if _Chosen.writer is not None:
        _Chosen.writer.put(values, merges=event not in _STATES)
    else:
        sys.stderr.write(_encode(values))
        sys.stderr.flush()


def _encode(values: Values | None, *, repeats: int = 0, dropped: int = 0) -> str:
    """Return a line with its newline; see `line_writer.Encode`."""
    line = {"event": LogEvent.LINES_DROPPED.value, "count": dropped} if values is None else dict(values)
    if repeats:
        line["repeats"] = repeats
    return str(_renderer(_Chosen.form)(None, "", line)) + "\n"


@cache
def _renderer(form: LogForm) -> "structlog.typing.Processor":
    import structlog

    # One processor and no more: nothing of the environment, no time, no level, no traceback.
    return structlog.processors.JSONRenderer() if form is LogForm.JSON else _as_sentence


def _as_sentence(_logger: object, _method: str, values: MutableMapping[str, Any]) -> str:
    """Return an event as a sentence, with the fault if there is one; a structlog processor."""
    sentence = SENTENCES[LogEvent(values["event"])].format(**values)
    if "type" in values:
        sentence += f" {values['type']} at {values['at']}."
    if "repeats" in values:
        sentence += f" (The same again, {values['repeats']} times within a minute.)"
    # A path in a reason may hold anything: nothing in a line acts on a terminal or begins another line.
    return "".join(char if char.isprintable() else "?" for char in sentence)
