"""One submission from the request's head to a durable packet: the order of steps that the receipt's promise rests on.

A receipt leaves this module only after the packet's bytes, its name and its folder were synced. An `Errand` decides
whose receipt it is and what may be sent: a first visit (`first_visit`) or a later one (`later_visit`).
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import assert_never

from aiohttp import StreamReader

from audit.errors import AuditError
from audit.events import Event
from gateway.form import FORM_FIELD, OWN_RECEIPT_FIELD, WORDS_FIELD, Fields, FieldTooLongError, parse_form
from gateway.problems import Problem, RefusedFile, SubmissionError
from gateway.reading.body_room import BodyRoom
from gateway.reading.request_body import Body, Reading
from gateway.reading.upload_slots import SMALL_MAX
from gateway.receipts.fresh_receipt import FreshReceipt
from gateway.station import Station
from gateway.submission.errand import Carried, Errand
from gateway.submission.intake import Files, Intake, KeptFile
from gateway.submission.plaintext_span import Span
from gateway.submission.repeats import Earlier, Mark, Sent
from gateway.submission.sealed_upload import SealedUpload
from gateway.submission.visitor import Visitor
from gateway.views import WithdrawForm
from quarantine.verdict import Clear, Held, Undecided, Verdict, is_clear
from transfer.names import Lane, PacketId
from transfer.packet.manifest import (
    FileNote,
    FindingNote,
    Manifest,
    Outcome,
    RefusedNote,
    encode_manifest,
)
from transfer.packet.message import Message, encode_message
from transfer.packet.visit_signature import new_withdraw_token, withdrawal_of
from transfer.spool.spool import SpooledPacket, SpoolFullError


@dataclass(frozen=True, slots=True)
class Received:
    """A submission that is durable, and what its source is shown once."""

    packet: PacketId
    day: date
    promised: date  # by which an answer is promised
    receipt: FreshReceipt | None  # None where the source has return words already
    has_text: bool
    files: tuple[tuple[KeptFile, Verdict], ...] = field(repr=False)
    refused: tuple[RefusedFile, ...] = field(repr=False)
    withdraw: WithdrawForm | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same form came before, with the same in it, and was received on `day`. This time nothing was."""

    day: date
    own_receipt: bool  # whether its source made the receipt
    untrusted_words: str = field(repr=False)  # the return words that were sent along, as they were typed


async def receive(
    station: Station,
    stream: StreamReader,
    body: Body,
    *,
    page_language: str,
    errand: Errand,
    visitor: Visitor,
) -> Received | Repeated:
    """Receive one submission.

    The visitor is looked at once, when all has arrived and before anything is derived. After that the packet stays,
    whatever becomes of the connection.

    Raises:
        SubmissionError: Nothing was received, and nothing of it is left.
        ConnectionError: The visitor went away before that; nothing is left.
    """
    reading = Reading(stream, body, station.pace)
    # Without boundaries there are no files: it is text, however long.
    places = station.upload_slots if body.boundary is not None and station.valve.takes_files else None
    with BodyRoom(station.texts, body.length, reading.give_way, places=places, on_place=visitor.holds_place) as room:
        upload = SealedUpload(station.spool, lambda: station.spool.admit(body.length), station.recipients)
        inspection = station.inspections.open()
        intake = _intake(station, upload, room, inspection.add, errand)
        try:
            await reading.into(intake, room)
            # What is wrong with it is said before anything is made for it.
            _message(station, intake, page_language)
            async with station.repeats.attempt(_mark(station, intake, errand)) as attempt:
                if attempt.earlier is not None:
                    return _repeated(attempt.earlier, intake.fields)
                received = attempt.unseen
                if not isinstance(received, Received):
                    _demand_presence(visitor)
                    carried = await errand.carried(intake.fields)
                    verdicts = await inspection.verdicts()
                    received = await _seal(station, upload, intake, page_language, verdicts, carried, errand)
                if received.receipt is None or not visitor.has_left():
                    attempt.remember(Earlier(received.day))
                else:
                    # Nobody may have seen the receipt: it is for whoever sent the same and waits here, if anybody does.
                    attempt.hand_over(received)
                return received
        except (SpoolFullError, OSError) as error:
            # A visitor who went away is an OSError too, but nobody is left to be told.
            if isinstance(error, ConnectionError):
                raise
            raise SubmissionError(Problem.FULL, fields=intake.fields) from None
        finally:
            upload.discard()
            await inspection.close()


def _mark(station: Station, intake: Intake, errand: Errand) -> Mark | None:
    """Return what names this form and all that was kept or refused of it."""
    fields = intake.fields
    typed: Sent = [(name, *fields.values[name]) for name in sorted(fields.values) if name != FORM_FIELD]
    kept: Sent = [(f.untrusted_name, f.type, str(f.member.size), f.member.sha256) for f in intake.kept]
    refused: Sent = [(file.untrusted_name, file.reason) for file in intake.refused]
    sizes: Sent = [str(size) for size in intake.refused_sizes]
    return station.repeats.mark(fields.first(FORM_FIELD), errand.purpose, (typed, kept, refused, sizes))


def _repeated(earlier: Earlier, fields: Fields) -> Repeated:
    own_receipt = bool(fields.first(OWN_RECEIPT_FIELD).strip())
    return Repeated(earlier.day, own_receipt, fields.first(WORDS_FIELD))


def _demand_presence(visitor: Visitor) -> None:
    """Go no further for a visitor whose connection was reset: nobody would see the receipt.

    Raises:
        ConnectionError: So it is.
    """
    if visitor.is_reset():
        raise ConnectionResetError


def _intake(
    station: Station,
    upload: SealedUpload,
    room: BodyRoom,
    on_file: Callable[[KeptFile, Span], None],
    errand: Errand,
) -> Intake:
    files = Files.TAKEN
    if not station.valve.takes_files:
        files = Files.REFUSED if room.length <= SMALL_MAX else Files.NOT_WAITED_FOR
    return Intake(upload, station.limits, on_file, room, wider=errand.wider, files=files)


def _message(station: Station, intake: Intake, page_language: str) -> Message:
    """Return what the form holds, or refuse when nothing is left to be received."""
    try:
        message = parse_form(intake.fields, bodies=station.bodies, page_language=page_language)
    except FieldTooLongError as error:
        raise SubmissionError(Problem.FIELD_TOO_LONG, fields=intake.fields, field_name=error.name) from None
    if message.is_empty and not intake.kept:
        problem = Problem.NOTHING_ACCEPTABLE if intake.refused else Problem.EMPTY
        raise SubmissionError(problem, fields=intake.fields, refused=tuple(intake.refused))
    return message


async def _seal(
    station: Station,
    upload: SealedUpload,
    intake: Intake,
    page_language: str,
    verdicts: Sequence[Verdict],
    carried: Carried,
    errand: Errand,
) -> Received:
    # A text takes several times its bytes from here to the disk: so many at one time, and the others wait as bytes.
    async with station.sealing:
        return await _seal_now(
            station, upload, intake, _message(station, intake, page_language), verdicts, carried, errand
        )


async def _seal_now(
    station: Station,
    upload: SealedUpload,
    intake: Intake,
    message: Message,
    verdicts: Sequence[Verdict],
    carried: Carried,
    errand: Errand,
) -> Received:
    lane = Lane.CLEAR if all(map(is_clear, verdicts)) else Lane.HELD
    day = station.today()
    promised = station.promise.until(day)
    token = new_withdraw_token()
    encoded = encode_message(message)
    manifest = Manifest(
        packet=upload.packet_id,
        gateway=station.gateway,
        received=day,
        lane=lane,
        sealed_to=station.sealed_to,
        receipt=carried.note,
        files=tuple(map(_file_note, intake.kept, verdicts)),
        refused=tuple(RefusedNote(name=refused.untrusted_name, reason=refused.reason) for refused in intake.refused),
        purpose=errand.purpose,
        withdrawal=withdrawal_of(token),
        promised=promised,
    )
    signed = encode_manifest(errand.signed(manifest, encoded))
    packet = await commit_packet(station, upload.hand_over(lane, encoded, signed, withdrawal=manifest.withdrawal))
    return Received(
        packet=packet.id,
        day=day,
        promised=promised,
        receipt=carried.shown,
        has_text=not message.is_empty,
        files=tuple(zip(intake.kept, verdicts, strict=True)),
        refused=tuple(intake.refused),
        withdraw=WithdrawForm(packet.id, day, token, station.withdraw_key.mark(packet.id, day, manifest.withdrawal)),
    )


async def commit_packet(station: Station, commit: Callable[[], SpooledPacket]) -> SpooledPacket:
    """Make a packet durable, and log it.

    Raises:
        SpoolFullError, OSError: It is not durable.
    """
    packet = await asyncio.to_thread(commit)
    with contextlib.suppress(AuditError, OSError):
        # The packet is safe and its source must hear so; the next batch shows a packet without a line.
        await asyncio.to_thread(station.audit.append, Event.SUBMISSION_SEALED, packet=packet.id, lane=packet.lane)
    return packet


def _file_note(kept: KeptFile, verdict: Verdict) -> FileNote:
    match verdict:
        case Clear():
            outcome, reason, findings = Outcome.CLEAR, "", verdict.findings
        case Held():
            outcome, reason, findings = Outcome.HELD, "", verdict.findings
        case Undecided():
            outcome, reason, findings = Outcome.UNDECIDED, verdict.reason.value, ()
        case _:
            assert_never(verdict)
    return FileNote(
        member=kept.member.name,
        name=kept.untrusted_name,
        type=kept.type,
        size=kept.member.size,
        sha256=kept.member.sha256,
        outcome=outcome,
        reason=reason,
        findings=tuple(FindingNote(finding.code, finding.grade) for finding in findings),
    )
