"""What the network process does with each datagram (WIRE.md, 5), without sockets or files.

Memory is bounded by the number of open objects and by their quota, never by what arrives: an unknown object has no
state, each object or gateway has at most one stored notice, and nothing that is open is displaced by anything new.
"""

import hmac
from collections import Counter
from collections.abc import Mapping, Sequence

from transfer.diode.errors import DatagramError, DropReason
from transfer.diode.receiver.link_state import Link, LinkState, OpenObject
from transfer.diode.receiver.symbol_map import BlockState, SymbolMap
from transfer.diode.receiver.symbol_run import SymbolRun, begin_run
from transfer.diode.receiver.symbol_store import SymbolStore
from transfer.diode.wire.datagram import (
    HEAD,
    MAC_SIZE,
    RUN,
    Datagram,
    DatagramKind,
    LinkKey,
    link_id,
    parse_datagram,
)
from transfer.diode.wire.geometry import ESI_MAX
from transfer.diode.wire.notices import (
    ObjectHeader,
    object_name,
    parse_heartbeat,
    parse_history,
    parse_object,
    read_serial,
)


class DatagramIntake:
    """Takes datagrams in any order, each any number of times.

    Args:
        links: The gateways whose datagrams are accepted.
        store: Where symbols are written.
        objects_max: Objects of all gateways that may be open at the same time; each gateway has an equal share.
    """

    def __init__(self, links: list[Link], store: SymbolStore, *, objects_max: int) -> None:
        self._keys: Mapping[int, LinkKey] = {link_id(link.gateway): link.secret for link in links}
        if len(self._keys) < len(links):
            raise ValueError("the ids of two gateways begin with the same two bytes: give one of them a new key")
        self.links = {link_id(link.gateway): LinkState(link) for link in links}
        self.refused: Counter[DropReason] = Counter()
        self.surplus = 0  # authentic symbols that were not needed
        self._store = store
        self._objects_max = objects_max
        self._share = max(1, objects_max // max(1, len(links)))
        self._run: SymbolRun | None = None

    def take_all(self, untrusted: Sequence[memoryview]) -> None:
        """Take datagrams, each as `take` would. Their buffers must not change before the next `flush`.

        Nearly every datagram continues the current run. Instead of parsing its fields as `take` does, this compares
        them in one piece. The MAC is compared all the same, before the datagram has any effect.
        """
        take, unpack, compare = self.take, RUN.unpack_from, hmac.compare_digest
        for datagram in untrusted:
            run = self._run
            if run is None or len(datagram) != run.length:
                take(datagram)
                continue
            front, sequence, middle, esi = unpack(datagram)
            end = run.length - MAC_SIZE
            if (
                esi == run.next < run.end
                and middle == run.middle
                and front == run.front
                and compare(run.state.link.secret.mac(datagram[:end]), datagram[end:])
            ):
                run.state.meter.hear(run.session, sequence)
                run.pieces.append(datagram[HEAD.size : end])
                run.next += 1
            else:
                take(datagram)

    def take(self, untrusted: memoryview) -> None:
        """Take one datagram. Its buffer must not change before the next `flush`."""
        try:
            link, datagram = parse_datagram(untrusted, self._keys)
            state = self.links[link]
            fresh = state.meter.hear(datagram.session, datagram.sequence)
            run = self._run
            if (
                run is not None
                and datagram.esi == run.next < run.end
                and datagram.block == run.block
                and datagram.tag == run.tag
                and state is run.state  # a gateway must not change the objects of another one
                and datagram.kind is DatagramKind.SYMBOL
                and len(datagram.payload) == run.size
            ):
                run.pieces.append(datagram.payload)
                run.next += 1
            elif datagram.kind is DatagramKind.SYMBOL:
                self._symbol(state, datagram, untrusted)
            else:
                self._notice(state, datagram, fresh=fresh)
        except DatagramError as error:
            self.refused[error.reason] += 1
            if error.reason is DropReason.NO_ROOM:
                state.no_room = datagram.number or state.no_room

    def flush(self) -> None:
        """Write the pending symbols, and only then mark them as here."""
        run, self._run = self._run, None
        if run is None:
            return
        geometry = run.object.header.geometry
        if run.object.symbols.state(run.block) != BlockState.OPEN:
            self.surplus += len(run.pieces)
            return
        offset = (geometry.first(run.block) + run.first) * geometry.symbol
        try:
            self._store.write(run.object.header.name, offset, run.pieces)
        except DatagramError as error:
            self.refused[error.reason] += len(run.pieces)
            run.state.no_room = run.object.header.number
            return
        new = run.object.symbols.mark(run.block, run.first, len(run.pieces))
        self.surplus += len(run.pieces) - new

    def resume(self, header: ObjectHeader, payload: bytes, symbols: SymbolMap) -> None:
        """Continue an object that an earlier process started."""
        symbols.resume()
        self.links[link_id(header.gateway)].objects[header.tag] = OpenObject(header, payload, symbols)

    def maintain(self) -> None:
        """Apply what the other processes did: forget blocks that commit rejected, close objects that were removed."""
        for state in self.links.values():
            state.checks = 0
            for item in list(state.objects.values()):
                block = item.symbols.find(BlockState.FORGET)
                while block >= 0:
                    item.symbols.forget(block)
                    block = item.symbols.find(BlockState.FORGET, block + 1)
                if not self._store.is_here(item.header.name):
                    self._close(state, item)

    def open_objects(self) -> list[OpenObject]:
        """Return the objects in progress."""
        return [item for state in self.links.values() for item in state.objects.values()]

    def _close(self, state: LinkState, item: OpenObject) -> None:
        if self._run is not None and self._run.object is item:
            self._run = None
        del state.objects[item.header.tag]
        item.symbols.release()
        self._store.close(item.header.name)
        if self._store.was_received(item.header.name):
            state.finish(item.header.tag)

    def _symbol(self, state: LinkState, datagram: Datagram, untrusted: memoryview) -> None:
        item = state.objects.get(datagram.tag)
        if item is None:
            if datagram.tag in state.finished:
                self.surplus += 1
                return
            raise DatagramError(DropReason.UNKNOWN_OBJECT)
        self.flush()
        geometry, block, esi = item.header.geometry, datagram.block, datagram.esi
        fits = datagram.number == item.header.number and len(datagram.payload) == geometry.symbol
        if not fits or block >= geometry.blocks or esi > ESI_MAX:
            raise DatagramError(DropReason.FORM)
        if item.symbols.state(block) != BlockState.OPEN:
            self.surplus += 1
        elif esi < geometry.count(block):
            self._run = begin_run(state, item, datagram, untrusted)
        else:
            self._repair(item, block, esi, datagram.payload)

    def _repair(self, item: OpenObject, block: int, esi: int, payload: memoryview) -> None:
        geometry = item.header.geometry
        slot = item.symbols.free_slot(block, esi)
        if slot is None:
            self.surplus += 1
            return
        self._store.write_repair(item.header.name, (block * geometry.slots + slot) * geometry.symbol, payload)
        item.symbols.keep(block, slot, esi)

    def _notice(self, state: LinkState, datagram: Datagram, *, fresh: bool) -> None:
        # An old notice has no effect and costs no signature check: a recording can be played at any speed.
        if datagram.kind is DatagramKind.OBJECT:
            if fresh or self._is_current(state, datagram.session):
                self._object(state, datagram, bytes(datagram.payload), fresh=fresh)
        elif datagram.kind is DatagramKind.HISTORY:
            self._history(state, bytes(datagram.payload))
        elif datagram.kind is DatagramKind.HEARTBEAT and fresh:
            state.heartbeat, state.heard = parse_heartbeat(bytes(datagram.payload)), True

    def _is_current(self, state: LinkState, session: int) -> bool:
        # A second sender, started by mistake, must not silence the first; nor may a session invented by someone who
        # stole the link's key: sessions are not signed, histories are.
        meter = state.meter
        return meter.is_new_in_its_session and (meter.counted(session) or session >> 32 >= state.signed_start)

    def _object(self, state: LinkState, datagram: Datagram, payload: bytes, *, fresh: bool) -> None:
        item = state.objects.get(datagram.tag)
        if item is not None and item.payload == payload:
            return
        if datagram.tag in state.finished:
            # Checked again: someone may have removed the batch from `arrived/` before the import, and want it again.
            if self._store.was_received(object_name(state.link.gateway, datagram.number, datagram.tag)):
                return
            state.finished.discard(datagram.tag)
        if state.refused.get(datagram.tag) == payload:
            raise DatagramError(DropReason.NO_ROOM)
        state.count_check()
        header = parse_object(payload, {state.link.gateway: state.link.key})
        if (header.tag, header.number) != (datagram.tag, datagram.number):
            raise DatagramError(DropReason.FORM)
        if item is None:
            self._first_header(state, header, payload)
        elif fresh and header.is_cut_of(item.header):
            self._restart_object(state, item, header, payload)
        elif header != item.header:
            raise DatagramError(DropReason.CONTRADICTION)

    def _first_header(self, state: LinkState, header: ObjectHeader, payload: bytes) -> None:
        if self._store.was_received(header.name):
            state.finish(header.tag)
            return
        # Remembered first, so that a repeated header of a refused object costs no second signature check.
        state.refuse(header.tag, payload)
        if len(state.objects) >= self._share or len(self.open_objects()) >= self._objects_max:
            raise DatagramError(DropReason.NO_ROOM)
        symbols = self._store.open(header, payload)
        self._opened(state, header, payload, symbols)

    def _restart_object(self, state: LinkState, item: OpenObject, header: ObjectHeader, payload: bytes) -> None:
        """Restart an object that its gateway, restarted with another MTU, now sends in symbols of another size."""
        # If no block is OPEN, the other processes may be completing the object; its fate is known soon.
        if item.symbols.find(BlockState.OPEN) < 0:
            return
        self.flush()
        state.refuse(header.tag, payload)
        self._opened(state, header, payload, self._store.renew(header, payload))

    def _opened(self, state: LinkState, header: ObjectHeader, payload: bytes, symbols: SymbolMap) -> None:
        symbols.resume()
        state.refused.pop(header.tag, None)
        state.objects[header.tag] = OpenObject(header, payload, symbols)

    def forget_refusals(self) -> None:
        """Forget which headers were refused for missing space: each is considered again when it is announced again."""
        for state in self.links.values():
            state.refused.clear()

    def _history(self, state: LinkState, payload: bytes) -> None:
        if state.history is not None and read_serial(payload) <= state.history.serial:
            return
        state.count_check()
        history = parse_history(payload, {state.link.gateway: state.link.key})
        self._store.keep_history(history, payload)
        state.history = history
