"""The requests of a tick, sealed one by one, as one packet: made when their tick has passed, and never without any.

A packet's id is noted in the journal before the packet is written, and the requests are forgotten when it is in its
lane. Killed in between, the next look sees whether the packet is there; if it is not, the requests go into another.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from audit.errors import AuditError
from audit.events import Event
from audit.operational_log import LogEvent, log
from disk.lock import BusyError
from gateway.station import Station
from gateway.submission.sealed_upload import SealedUpload
from transfer.errors import TransferError
from transfer.names import Lane
from transfer.packet.manifest import REQUESTS_MAX, Manifest, PacketPurpose, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.request import request_members
from transfer.spool.spool import SpoolFullError

LOOK_EVERY: Final = 30.0  # seconds; a tick has hours


async def watch_requests(station: Station, *, every: float = LOOK_EVERY) -> None:
    """Send what is due, as long as the gateway runs."""
    while True:
        try:
            await asyncio.to_thread(send_requests, station)
        except SpoolFullError:
            log(LogEvent.REQUESTS_WAIT)
        except (TransferError, OSError) as fault:
            # They stay in the journal, and the next look tries again.
            log(LogEvent.FAULT, fault=fault)
        await asyncio.sleep(every)


def send_requests(station: Station) -> int:
    """Make packets of the requests whose tick has passed; return how many packets. Blocks on the disk.

    Raises:
        SpoolFullError, transfer.errors.LedgerError, OSError: Those that are in no packet wait.
    """
    try:
        with station.requests.journal.alone():
            return _send(station)
    except BusyError:
        return 0


def _send(station: Station) -> int:
    journal = station.requests.journal
    for packet in journal.given():
        if station.spool.holds(packet):
            journal.forget(packet)
        else:
            journal.take_again(packet)
    made = 0
    while due := [tick for tick in journal.ticks() if station.spool.is_due(tick)]:
        _send_some(station, due)
        made += 1
    return made


def _send_some(station: Station, due: Sequence[int]) -> None:
    """Make one packet, of as many requests as fit in it."""
    journal, message = station.requests.journal, encode_message(Message())
    # What one person asks must not take the room that is kept for what others write.
    upload = SealedUpload(station.spool, lambda: station.spool.admit(0, may_use_reserve=False), station.recipients)
    try:
        requests = journal.give(upload.packet_id, due, most=REQUESTS_MAX)
        for name, sealed in zip(request_members(len(requests)), requests, strict=True):
            upload.begin(name)
            upload.write(sealed)
            upload.end()
        manifest = Manifest(
            packet=upload.packet_id,
            gateway=station.gateway,
            received=station.today(),
            lane=Lane.CLEAR,
            sealed_to=station.sealed_to,
            receipt=None,
            files=(),
            purpose=PacketPurpose.REQUESTS,
            requests=len(requests),
        )
        packet = upload.hand_over(Lane.CLEAR, message, encode_manifest(manifest))()
    finally:
        upload.discard()
    with contextlib.suppress(AuditError, OSError):
        # The next batch shows a packet without a line.
        station.audit.append(Event.SUBMISSION_SEALED, packet=packet.id, lane=packet.lane)
    journal.forget(packet.id)
