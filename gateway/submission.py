"""One submission from the request's head to a durable packet: the order of steps that the receipt's promise rests on.

A receipt leaves this module only after the packet's bytes, its name and its folder were synced.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from aiohttp import StreamReader

from audit.errors import AuditError
from audit.events import Event
from audit.log import AuditLog
from gateway.form import FieldTooLongError, parse_form
from gateway.inspection import Inspections
from gateway.intake import Intake, KeptFile, Limits
from gateway.outcome import Problem, RefusedFile, SubmissionError
from gateway.places import NoPlaceError, Places
from gateway.receipts import FreshReceipt, NoReceiptError, ReceiptMaker
from gateway.sealing import SealedUpload
from gateway.transport import Body, Pace, Reading
from gateway.views import WithdrawForm
from keys.recipient import Recipient
from quarantine.verdict import Clear, Held, Undecided, Verdict, is_clear
from transfer.manifest import FileNote, FindingNote, Manifest, Outcome, ReceiptNote, RefusedNote, encode_manifest
from transfer.message import Message, encode_message
from transfer.names import Lane, PacketId
from transfer.spool import Admission, Spool, SpoolFullError


@dataclass(frozen=True, slots=True)
class Station:
    """What every submission of one gateway process works with."""

    gateway: str  # id: 16 hexadecimal digits
    recipients: tuple[Recipient, ...]
    sealed_to: str  # 16 hexadecimal digits
    bodies: tuple[str, ...]
    limits: Limits
    pace: Pace
    spool: Spool
    places: Places
    receipts: ReceiptMaker
    inspections: Inspections
    audit: AuditLog
    today: Callable[[], date]  # UTC


@dataclass(frozen=True, slots=True)
class Received:
    """A submission that is durable, and what its source is shown once."""

    packet: PacketId
    day: date
    receipt: FreshReceipt | None  # None where the source has words of its own already
    has_text: bool
    files: tuple[tuple[KeptFile, Verdict], ...] = field(repr=False)
    refused: tuple[RefusedFile, ...] = field(repr=False)
    withdraw: WithdrawForm | None = None


async def receive(station: Station, stream: StreamReader, body: Body, *, page_language: str) -> Received:
    """Receive one submission.

    Raises:
        SubmissionError: Nothing was received, and nothing of it is left.
        ConnectionError: The visitor went away before the end; nothing is left.
    """
    reading = Reading(stream, body, station.pace)
    try:
        taken = station.places.take(body.length, reading.give_way)
    except NoPlaceError:
        raise SubmissionError(Problem.BUSY) from None
    with taken:
        upload = SealedUpload(station.spool, _admit(station.spool, body.length), station.recipients)
        inspection = station.inspections.open()
        intake = Intake(upload, station.limits, inspection.add)
        try:
            await reading.into(intake, taken.place)
            message = _message(station, intake, page_language)
            verdicts = await inspection.verdicts()
            receipt = await station.receipts.take()
            return await _seal(station, upload, intake, message, verdicts, receipt)
        except (SpoolFullError, OSError) as error:
            # A visitor who went away is an OSError too, but nobody is left to be told.
            if isinstance(error, ConnectionError):
                raise
            raise SubmissionError(Problem.FULL, fields=intake.fields) from None
        except NoReceiptError:
            raise SubmissionError(Problem.BUSY, fields=intake.fields) from None
        finally:
            upload.discard()
            await inspection.close()


def _admit(spool: Spool, length: int) -> Admission:
    try:
        return spool.admit(length)
    except (SpoolFullError, OSError):
        raise SubmissionError(Problem.FULL) from None


def _message(station: Station, intake: Intake, page_language: str) -> Message:
    """Return what was said, or refuse when nothing is left to be received."""
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
    message: Message,
    verdicts: Sequence[Verdict],
    receipt: FreshReceipt,
) -> Received:
    lane = Lane.CLEAR if all(map(is_clear, verdicts)) else Lane.HELD
    day = station.today()
    manifest = Manifest(
        packet=upload.packet_id,
        gateway=station.gateway,
        received=day,
        lane=lane,
        sealed_to=station.sealed_to,
        receipt=_receipt_note(receipt),
        files=tuple(map(_file_note, intake.kept, verdicts)),
        refused=tuple(RefusedNote(name=refused.untrusted_name, reason=refused.reason) for refused in intake.refused),
    )
    commit = upload.hand_over(lane, encode_message(message), encode_manifest(manifest))
    packet = await asyncio.to_thread(commit)
    with contextlib.suppress(AuditError, OSError):
        # The packet is safe and its source must hear so; the next batch shows a packet without a line.
        await asyncio.to_thread(station.audit.append, Event.SUBMISSION_SEALED, packet=packet.id, lane=lane)
    return Received(
        packet=packet.id,
        day=day,
        receipt=receipt,
        has_text=not message.is_empty,
        files=tuple(zip(intake.kept, verdicts, strict=True)),
        refused=tuple(intake.refused),
    )


def _receipt_note(receipt: FreshReceipt) -> ReceiptNote:
    public = receipt.public
    return ReceiptNote(lookup=public.lookup, recipient=public.recipient, signing=public.signing, proof=public.proof)


def _file_note(kept: KeptFile, verdict: Verdict) -> FileNote:
    match verdict:
        case Clear():
            outcome, reason, findings = Outcome.CLEAR, "", verdict.findings
        case Held():
            outcome, reason, findings = Outcome.HELD, "", verdict.findings
        case Undecided():
            outcome, reason, findings = Outcome.UNDECIDED, verdict.reason.value, ()
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
