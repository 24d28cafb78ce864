"""One opened packet as a person reads it: what the source wrote, its case, its files and verdicts; inbox cells."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never

from enveis.terminal import Terminal, amount, visible

if TYPE_CHECKING:
    from desk.arrival.case_links import LinkedPacket, Standing
    from desk.arrival.opened_copies import OpenedCopy
    from desk.arrival.opening import OpenedFile
    from desk.arrival.requests import Withdrawn
    from transfer.packet.manifest import FileNote, Manifest
    from transfer.packet.message import Message

# The codes of FORMAT.md 4.5 in words; one that is not here is shown as it is.
_NOT_RECEIVED: Final = {
    "type.name": "its type is not accepted",
    "type.content": "its content is of no accepted type",
    "type.disagree": "its name and its content are of different types",
    "empty": "it was empty; the source may have it in a cloud only",
    "size": "it was too large",
    "count": "there were too many files",
    "files-off": "files could not be accepted at that moment",
}


def show_packet(terminal: Terminal, manifest: "Manifest", message: "Message") -> None:
    """Print what a source wrote, field by field; nothing in it can act on the terminal."""
    from transfer.packet.manifest import PacketPurpose

    # One that only carries requests was not written by anybody: `show_requests` says what it asks.
    has_form = manifest.purpose is not PacketPurpose.REQUESTS
    terminal.say(
        terminal.strong(f"Packet {manifest.packet}"),
        f"  received on {manifest.received} (UTC) by gateway {manifest.gateway}, lane {manifest.lane}",
        *([promise_sentence(manifest.promised, today=datetime.now(UTC).date())] if manifest.promised else []),
        *([f"  kind         {message.kind}"] if has_form else []),
    )
    contact = message.contact
    fields = {
        "public body": message.public_body,
        "other body": message.public_body_other,
        "works there": "yes" if message.employed else "",
        "relation": message.relation or "",
        "origin": message.road or "",
        "written by": message.writer_role,
        "read back": {True: "yes", False: "no", None: ""}[message.read_back],
        "name": contact.name,
        "phone": contact.phone,
        "e-mail": contact.email,
        "address": contact.address.replace("\n", ", "),
        "language": contact.language,
        "please call": "yes" if contact.please_call else "",
    }
    terminal.say(*(f"  {name:<12} {visible(text)}" for name, text in fields.items() if text))
    for person in message.people:
        names = visible(" ".join([person.given_name, *person.family_names]).strip() or "(no name)")
        rest = ", ".join(visible(text) for text in (person.role, person.workplace) if text)
        terminal.say(f"  person       {names} ({person.side}){': ' + rest if rest else ''}")
    if message.text:
        terminal.say("", *(f"  | {line}" for line in visible(message.text, lines=True).split("\n")), "")


def promise_sentence(promised: date, *, today: date) -> str:
    """Return the day by which the source was promised an answer, and how far it is."""
    days = (promised - today).days
    ahead = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "TODAY"
    late = "yesterday: LATE unless answered" if days == -1 else f"{-days} days ago: LATE unless answered"
    return f"  an answer was promised by {promised} ({ahead if days >= 0 else late})"


def show_standing(terminal: Terminal, manifest: "Manifest", standing: "Standing") -> None:
    """Print the purpose of a packet, and whether it is proven to belong to the case or packet that it names."""
    from desk.arrival.case_links import Begins, BelongsTo, Carries, Claims

    match standing:
        case Begins():
            pass
        case BelongsTo(first):
            terminal.say(
                f"  This packet adds to a case. It BELONGS TO packet {first}: it is signed with that case's key."
            )
        case Carries():
            number = "a request" if manifest.requests == 1 else f"{manifest.requests} requests"
            terminal.say(f"  This packet brings {number} of sources, named below. It belongs to no case.")
        case Claims(reason):
            terminal.warn(
                f"This packet adds to a case, but only CLAIMS TO BELONG: {reason}. Check it before you join it to the "
                "case."
            )
        case _:
            assert_never(standing)


def show_files(
    terminal: Terminal, manifest: "Manifest", files: "tuple[OpenedFile, ...]", folder: Path, *, is_again: bool = False
) -> None:
    """Print every file, the verdict on it, and where it was written or that it stays locked."""
    locked = False
    for file in files:
        note = file.note
        where = file.path.name if file.path else "LOCKED, not written"
        name = visible(note.name)
        terminal.say(f"  {note.member}  {amount(note.size)}  {where}", f"      named by the source: {name}")
        terminal.say(*(f"      {sentence}" for sentence in _verdict_sentences(note)))
        locked = locked or file.path is None
        if file.is_changed:
            terminal.warn(f"{note.member} was CHANGED in {folder} since it was opened: it is no longer what was sent.")
    for refused in manifest.refused:
        terminal.say(f"  not received: {visible(refused.name)} ({_NOT_RECEIVED.get(refused.reason, refused.reason)})")
    if not any(file.is_changed for file in files):
        where = f"It was open already, in {folder}." if is_again else f"Written to {folder}."
        terminal.say(f"{where} Every file matches the sealed manifest.")
    if locked:
        terminal.warn("Locked files may harm this machine. 'enveis desk open --held' writes them too.")


def open_cell(copy: "OpenedCopy | None", terminal: Terminal) -> str | None:
    """Return since when a packet's plaintext lies here."""
    if copy is None or copy.since is None:
        return None if copy is None else "unknown"
    return copy.since.isoformat() if terminal.as_json else f"{copy.since:%Y-%m-%d %H:%M} UTC"


def withdrawn_cell(withdrawn: "Withdrawn | None", terminal: Terminal) -> str | None:
    """Return whether the source took a packet back: yes where that is proven, or else what is claimed."""
    from desk.arrival.requests import Withdrawn

    return "yes" if withdrawn is Withdrawn.PROVEN and not terminal.as_json else withdrawn


def promised_cell(known: "LinkedPacket | None", arrived: date, terminal: Terminal) -> str | None:
    """Return the day by which the source was promised an answer; for a person also that it has passed, or is wrong."""
    from audit.clock import is_far_ahead

    promised = None if known is None else known.promised
    if known is None or promised is None:
        return None
    if is_far_ahead(known.received, arrived) and not terminal.as_json:
        return f"{promised} by a clock that was ahead: does not count"
    is_past = promised < datetime.now(UTC).date() and not terminal.as_json
    return f"{promised} PASSED" if is_past else promised.isoformat()


def standing_as_json(standing: "Standing") -> dict[str, str]:
    """Return what is proven about a packet, for a program."""
    from desk.arrival.case_links import Begins, BelongsTo, Carries, Claims

    match standing:
        case Begins():
            return {"is": "first"}
        case Carries():
            return {"is": "requests"}
        case BelongsTo(first):
            return {"is": "belongs", "to": first}
        case Claims(reason):
            return {"is": "claims", "reason": reason}
        case _:
            assert_never(standing)


def _verdict_sentences(note: "FileNote") -> list[str]:
    from desk.arrival.locking import contradiction_in
    from quarantine.findings import Code
    from quarantine.verdict import Reason
    from transfer.packet.manifest import Outcome

    match note.outcome:
        case Outcome.CLEAR:
            wrong = contradiction_in(note)
            sentences = ["Clear: it was inspected, and no finding holds it back."] if not wrong else [wrong]
        case Outcome.HELD:
            sentences = ["Held: it is dangerous, or its content could not be inspected."]
        case Outcome.UNDECIDED:
            sentences = ["Undecided: the inspection was not finished, so nothing is known about the file."]
        case _:
            assert_never(note.outcome)
    # A gateway may be newer than this desk: a code that is not known here is shown as it is.
    if note.reason:
        known = note.reason in set(Reason)
        sentences.append(Reason(note.reason).sentence if known else f"Reason: {note.reason}")
    for finding in note.findings:
        known = finding.code in set(Code)
        sentences.append(f"- {Code(finding.code).sentence if known else finding.code} ({finding.grade})")
    return sentences
