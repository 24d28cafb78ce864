"""One submission on its way into the spool: the packet's writer and the file that it grows in.

Nothing is created before there is something to keep, and nothing is left when a submission breaks off.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from gateway.submission.plaintext_span import Span, span_of
from keys.recipient import Recipient
from transfer.names import Lane, PacketId, new_packet_id
from transfer.packet.writer import PacketMember, PacketWriter
from transfer.spool.spool import Admission, IncomingPacket, Spool, SpooledPacket

BUFFER_SIZE: Final = 512 * 1024  # bytes of sealed chunks collected for one write


class SealedUpload:
    """A packet that grows with an upload. Ends with `hand_over` or `discard`; a `discard` after either does nothing.

    `admit` promises space for it. It is called when there is something to keep: what is only announced takes no space
    from others.
    """

    def __init__(self, spool: Spool, admit: Callable[[], Admission], recipients: Sequence[Recipient]) -> None:
        self._spool = spool
        self._admit = admit
        self._admission: Admission | None = None
        self._recipients = recipients
        self._packet: _OpenPacket | None = None

    @property
    def packet_id(self) -> PacketId:
        """The id of the packet; made when it is first needed.

        Raises:
            SpoolFullError, OSError: There is no space for it.
        """
        return self._open().incoming.packet_id

    def begin(self, name: str) -> None:
        """Start a member; see PacketWriter.

        Raises:
            SpoolFullError, OSError: There is no space for it.
        """
        packet = self._open()
        packet.append(packet.writer.begin(name))

    def write(self, plaintext: bytes | bytearray | memoryview) -> None:
        """Seal a piece of the member that was begun.

        Raises:
            SpoolFullError, OSError: It could not be written; discard the upload.
        """
        packet = self._open()
        packet.append(packet.writer.write(plaintext))

    def end(self) -> PacketMember:
        """End the member that was begun."""
        packet = self._open()
        sealed, member = packet.writer.end()
        packet.append(sealed)
        return member

    def span(self, member: PacketMember) -> Span:
        """Return the plaintext of a finished member, to be read back; the caller closes it."""
        packet = self._open()
        packet.flush()
        return span_of(
            packet.incoming.fd,
            payload_start=len(packet.writer.header),
            payload_key=packet.writer.payload_key,
            position=member.position,
            size=member.size,
            written=packet.writer.position,
            pending=packet.writer.pending,
        )

    def start_over(self, kept: Sequence[PacketMember]) -> list[PacketMember]:
        """Throw the packet away but for its members `kept`, which are sealed again in a new one.

        For a file that turns out too large while it is being sealed: it must not be kept, and what is sealed
        cannot be taken back (a chunk's nonce is used once). Blocks on the disk: call it in a thread.
        """
        old = self._open()
        old.flush()
        self._admission = self._spool.admit(old.incoming.size)
        with contextlib.ExitStack() as ended:
            ended.callback(old.incoming.discard)
            spans = [ended.enter_context(self.span(member)) for member in kept]
            self._packet = None
            members = []
            for member, span in zip(kept, spans, strict=True):
                self.begin(member.name)
                for piece in span.pieces():
                    self.write(piece)
                members.append(self.end())
            return members

    def hand_over(
        self, lane: Lane, message: bytes, manifest: bytes, *, withdrawal: str = ""
    ) -> Callable[[], SpooledPacket]:
        """Return what finishes the packet and makes it durable in its lane, to be called once, in a thread.

        From here on the packet is that function's: it ends whole in its lane or is removed, whatever happens
        to the one who asked for it. It raises SpoolFullError or OSError in the second case.
        `withdrawal` is the digest of the token that takes it back.
        """
        packet = self._open()
        self._packet = None

        def commit() -> SpooledPacket:
            try:
                for sealed in packet.writer.finish(message, manifest):
                    packet.append(sealed)
                packet.flush()
                return packet.incoming.commit(lane, withdrawal=withdrawal)
            finally:
                # After a commit there is nothing left to discard.
                packet.incoming.discard()

        return commit

    def discard(self) -> None:
        """Remove whatever was written and give the space back."""
        packet, self._packet = self._packet, None
        if packet is not None:
            packet.incoming.discard()
        if self._admission is not None:
            self._admission.release()

    def _open(self) -> "_OpenPacket":
        if self._packet is None:
            if self._admission is None:
                self._admission = self._admit()
            incoming = self._spool.create(new_packet_id(), self._admission)
            self._packet = _OpenPacket(PacketWriter(self._recipients), incoming)
        return self._packet


class _OpenPacket:
    """A writer and its file; collects small pieces, because a system call for each chunk costs."""

    def __init__(self, writer: PacketWriter, incoming: IncomingPacket) -> None:
        self.writer = writer
        self.incoming = incoming
        self._buffered: list[bytes] = [writer.header]
        self._size = len(writer.header)

    def append(self, sealed: bytes) -> None:
        if sealed:
            self._buffered.append(sealed)
            self._size += len(sealed)
            if self._size >= BUFFER_SIZE:
                self.flush()

    def flush(self) -> None:
        if self._buffered:
            self.incoming.writev(self._buffered)
            self._buffered, self._size = [], 0
