"""Both ends of a link without a wire: real files and homes, step after step, and faults where a test wants them."""

from pathlib import Path

from enveis.main import main
from enveis.wiring import low_side
from tests.worlds.link import LinkEnds
from transfer.diode.coder import encode_repair
from transfer.diode.receiver.commit_process import Committed, commit_whole
from transfer.diode.receiver.datagram_intake import DatagramIntake
from transfer.diode.receiver.decode_process import decode_ready
from transfer.diode.receiver.network_process import read_links
from transfer.diode.receiver.open_objects import FileStore, OpenShelf
from transfer.diode.receiver.part_copies import Copies
from transfer.diode.sender.batch_object import BatchObject, form_batch
from transfer.diode.settings import SenderSettings
from transfer.diode.wire.datagram import DatagramKind, DatagramWriter, LinkKey, link_id
from transfer.diode.wire.notices import encode_object
from transfer.low_side.low_side import LowSide
from transfer.names import PacketId

SYMBOL = 1392
REPAIRS = 8


class Bench:
    """`send` hands datagrams over, the receiver's three parts work in turn."""

    def __init__(self, root: Path) -> None:
        self.ends = LinkEnds(root, SenderSettings())
        self.low = low_side(self.ends.low)
        self.shelf = self.ends.shelf
        self.shelf.prepare()
        self.links = read_links(self.ends.high.gateways)
        self.trusted = {link.gateway: link.key for link in self.links}
        pairing = self.ends.low.load_pairing()
        self.writer = DatagramWriter(
            LinkKey(pairing.link_key), link=link_id(pairing.gateway), session=1 << 32, symbol=SYMBOL
        )
        self._begin()

    def restart(self) -> None:
        """New processes."""
        self.close()
        self._begin()

    def _begin(self) -> None:
        self.objects, self.copies = OpenShelf(self.shelf), Copies()
        self.store = FileStore(self.shelf, quota=2**34)
        self.intake = DatagramIntake(self.links, self.store, objects_max=4)
        for name, payload in self.store.resume():
            header, _ = self.shelf.read_header(name)
            self.intake.resume(header, payload, self.store.reopen(header))

    def take(self, kind: DatagramKind, payload: bytes, item: BatchObject, **where: int) -> None:
        buffer = memoryview(bytearray(self.writer.size))
        self.writer.write(buffer, kind, payload, number=item.header.number, tag=item.header.tag, **where)
        self.intake.take(buffer)

    def send(
        self,
        number: int,
        *,
        round_: int = 0,
        lose: int = 0,
        first: int = 0,
        blocks: int = 10**6,
        low: LowSide | None = None,
    ) -> None:
        """Send one pass; lost are every `lose`-th symbol, those before `first` in a block, and all after `blocks`."""
        with BatchObject(low or self.low, number, symbol=SYMBOL) as item:
            geometry = item.header.geometry
            self.take(DatagramKind.OBJECT, encode_object(item.header, self.low.key), item)
            for block in range(min(blocks, geometry.blocks)):
                count = geometry.count(block)
                content = bytearray(count * SYMBOL)
                item.read_block(block, memoryview(content))
                made = encode_repair(bytes(content), symbol=SYMBOL, first=round_ * REPAIRS, count=REPAIRS)
                parts = [(esi, bytes(content[esi * SYMBOL : (esi + 1) * SYMBOL])) for esi in range(count)]
                parts += [(count + round_ * REPAIRS + index, each) for index, each in enumerate(made)]
                for esi, each in parts:
                    if esi >= first and (not lose or esi % lose):
                        self.take(DatagramKind.SYMBOL, each, item, block=block, esi=esi)
            self.intake.flush()

    def work(self) -> list[Committed]:
        """Decode, commit, and let the network process see what became of it."""
        decode_ready(self.objects)
        done = commit_whole(self.objects, self.trusted, self.copies)
        self.intake.maintain()
        return done

    def work_again(self) -> list[Committed]:
        """Work once more after all processes of the receiver were restarted."""
        self.restart()
        return self.work()

    def take_in(self, source: Path | None = None) -> int:
        """Import as a person does: from a stick, or what came over the link; return the exit status."""
        where = [] if source is None else [str(source)]
        return main(["transfer", "import", *where, "--home", str(self.ends.high.root)])

    def close(self) -> None:
        """Close what the processes hold open."""
        self.objects.close()
        self.copies.keep_only([])
        for name in list(self.store._files):
            self.store.close(name)


def put(bench: Bench, *sizes: int) -> list[PacketId]:
    return [bench.ends.put(size, sealed=True) for size in sizes]


def formed(bench: Bench) -> int:
    number = form_batch(bench.low)
    assert number is not None
    return number


def packets_of(bag: Path) -> set[str]:
    return {path.stem for path in (bag / "data" / "packets").iterdir()}
