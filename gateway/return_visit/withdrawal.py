"""`/withdraw`: the button of a receipt page. Whatever comes of it, the same is done and the same page is shown.

A request is in the journal before its source is answered, so it reaches the desk whatever happens. Only then, and
while the answer is on its way, the packet is taken back here, if it has not left; the request is cancelled then.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from aiohttp import StreamReader

from audit.errors import AuditError
from audit.events import Event
from audit.operational_log import LogEvent, log
from gateway.form import Fields
from gateway.home.withdraw_key import MARK_DIGITS
from gateway.reading.request_body import Body
from gateway.reading.short_form import read_short_form
from gateway.return_visit.sealed_request import withdrawal_request
from gateway.station import Station
from gateway.views import Withdrawal, WithdrawnView
from transfer.errors import TransferError
from transfer.names import PacketId, parse_packet_id
from transfer.packet.manifest import parse_day
from transfer.packet.visit_signature import TOKEN_SIZE, withdrawal_of
from transfer.spool.request_journal import JournalEntry

_TOKEN: Final = re.compile(rf"[0-9a-f]{{{2 * TOKEN_SIZE}}}", re.ASCII)
_MARK: Final = re.compile(rf"[0-9a-f]{{{MARK_DIGITS}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Button:
    """What a button sent; it may be of nobody's making."""

    packet: PacketId
    day: date
    token: str = field(repr=False)
    mark: str = field(repr=False)


async def withdraw(station: Station, stream: StreamReader, body: Body) -> WithdrawnView:
    """Take back the packet that a receipt page named, and ask the desk to where it has left.

    An invented button, a packet that is here, one that was taken back and one that left long ago are one answer, after
    the same steps.

    Raises:
        SubmissionError: The request could not be read, or there is no space for what goes to the desk.
        ConnectionError: The visitor went away.

    Invariant G34.
    """
    fields = await read_short_form(stream, body, station.pace, station.texts, {"packet", "day", "token", "mark"})
    button = _button(fields)
    if button is None:
        return WithdrawnView(Withdrawal.UNKNOWN, station.today())
    withdrawal = withdrawal_of(button.token)
    is_ours = station.withdraw_key.is_mark_of(button.mark, button.packet, button.day, withdrawal)
    request = withdrawal_request(station, button.packet, button.token, is_kept=is_ours)
    await station.requests.put(request)
    station.requests.follow(_take_back(station, button, request))
    return WithdrawnView(Withdrawal.RECEIVED, station.today())


def finish_withdrawals(station: Station) -> int:
    """Finish what a crash stopped between the taking back and the deleting; return how many there were."""
    left = station.spool.withdrawals.taken_back()
    for packet in left:
        _finish(station, packet)
    return len(left)


def _button(fields: Fields) -> _Button | None:
    token, mark = fields.first("token"), fields.first("mark")
    if not _TOKEN.fullmatch(token) or not _MARK.fullmatch(mark):
        return None
    try:
        return _Button(parse_packet_id(fields.first("packet")), parse_day(fields.first("day")), token, mark)
    except ValueError:
        return None


async def _take_back(station: Station, button: _Button, request: JournalEntry) -> None:
    """Take a packet back that has not left; after that nobody has to be asked to."""
    if not request.is_kept:
        return
    try:
        if await asyncio.to_thread(station.spool.withdrawals.take_back, button.packet, button.token):
            await asyncio.to_thread(_finish, station, button.packet)
            await asyncio.to_thread(station.requests.journal.cancel, request.mark)
    except (TransferError, OSError) as fault:
        # The request stays in the journal, and the desk is asked.
        log(LogEvent.FAULT, fault=fault)


def _finish(station: Station, packet: PacketId) -> None:
    """Log that a packet was taken back, and delete it, once. Blocks on the disk."""
    if not station.spool.withdrawals.is_unfinished(packet):
        return
    with contextlib.suppress(AuditError, OSError):
        # Its source's wish comes before our log.
        station.audit.append(Event.SUBMISSION_WITHDRAWN, packet=packet)
    station.spool.withdrawals.finish(packet)
