"""Packets that carry a request and nothing else: delete the replies, take back what has left. Always the same size."""

from dataclasses import replace

from gateway.problems import Problem, SubmissionError
from gateway.station import Station
from gateway.submission.later_visit import later_note
from gateway.submission.receive import commit_packet
from gateway.submission.sealed_upload import SealedUpload
from keys.receipt import ReturnSecrets
from transfer.names import Lane, PacketId
from transfer.packet.manifest import Manifest, PacketPurpose, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.visit_signature import sign_visit
from transfer.spool.spool import SpoolFullError


async def ask_to_delete_replies(station: Station, secrets: ReturnSecrets) -> None:
    """Seal a signed request to delete the replies to these return words.

    Raises:
        SubmissionError: There is no space for it.
    """
    await _seal(station, PacketPurpose.DELETE_REPLIES, secrets=secrets)


async def ask_to_withdraw(station: Station, packet: PacketId, token: str) -> None:
    """Seal a request to take back a packet that is not here any more; the desk can check the token.

    Raises:
        SubmissionError: There is no space for it.
    """
    await _seal(station, PacketPurpose.WITHDRAW, withdraws=packet, token=token)


async def _seal(
    station: Station,
    purpose: PacketPurpose,
    *,
    secrets: ReturnSecrets | None = None,
    withdraws: PacketId | None = None,
    token: str = "",
) -> None:
    message = encode_message(Message())
    try:
        upload = SealedUpload(station.spool, station.spool.admit(len(message)), station.recipients)
        try:
            manifest = Manifest(
                packet=upload.packet_id,
                gateway=station.gateway,
                received=station.today(),
                lane=Lane.CLEAR,
                sealed_to=station.sealed_to,
                receipt=None if secrets is None else later_note(secrets),
                files=(),
                purpose=purpose,
                withdraws=withdraws,
                withdraw_token=token,
            )
            if secrets is not None:
                manifest = replace(manifest, visit=sign_visit(secrets.signing_seed, manifest, message))
            await commit_packet(station, upload.hand_over(Lane.CLEAR, message, encode_manifest(manifest)))
        finally:
            upload.discard()
    except (SpoolFullError, OSError):
        raise SubmissionError(Problem.FULL) from None
