"""Whatever happens to batches and machines, in whatever order: no packet is lost, and none is logged twice.

Submissions, exports, lost, repeated, reordered, truncated and forged batches, partial arrivals, acknowledgements, new
keys of the gateway, and SIGKILL between any two system calls of export, import, acknowledgement and a change of keys.
500 sequences by default, ENVEIS_SEQUENCES sets another number (`make soak-batches`: 20,000).

Invariant T5.
"""

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, currently_in_test_context, example, given, settings
from hypothesis import event as hypothesis_event
from hypothesis import strategies as st

from audit.chain import parse_line, split_lines
from audit.events import Event
from audit.log import AuditLog
from gateway.home.home import GatewayHome
from gateway.home.rekey import complete, rekey
from keys.age.small import seal_bytes
from keys.identity import generate_identity
from keys.recipient import KeyKind
from keys.signing import SigningKey, parse_signing_key
from tests.worlds.crossing import DAY, High, Low, no_progress
from tests.worlds.killing import killed
from transfer.batch.batch import GatewayId, gateway_id
from transfer.errors import BagError, BatchError, CodeError, LedgerError
from transfer.head_statement import HeadStatement
from transfer.high_side.log_copy import LogCopy
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.export import export, reexport
from transfer.low_side.recovery import resume
from transfer.names import Lane, PacketId
from transfer.usb.bag_writer import bag_name, find_bags

SEQUENCES: Final = int(os.environ.get("ENVEIS_SEQUENCES", "500"))
CALLS_MAX: Final = 180  # changing system calls: about as many as the longest of the steps makes
EACH: Final = 1 if SEQUENCES > 500 else 9  # of the calls of a plain crossing: all of them take a minute
IDENTITY: Final = generate_identity(KeyKind.CLASSIC)
STRANGER: Final = generate_identity(KeyKind.CLASSIC)
KEY: Final = SigningKey.generate()
FORGER: Final = SigningKey.generate()

Step = tuple[Any, ...]


@functools.cache  # sealed once for all sequences
def sealed(number: int, *, opens: bool) -> bytes:
    """Return a packet unlike all others: contents that were exchanged would show."""
    return seal_bytes(b"evidence %d" % number * 20, [(IDENTITY if opens else STRANGER).recipient])


def event(what: str) -> None:
    """Count what sequences met; see --hypothesis-show-statistics."""
    if currently_in_test_context():
        hypothesis_event(what)


@dataclass
class World:
    """Both machines, two sticks, and the answers that people wrote down."""

    root: Path
    opening: set[PacketId] = field(default_factory=set)  # packets that the desk can open
    foreign: set[PacketId] = field(default_factory=set)  # sealed to somebody else
    contents: dict[str, bytes] = field(default_factory=dict)  # of both, by id
    former: list[GatewayId] = field(default_factory=list)  # ids of the gateway whose keys are not trusted any more
    answers: list[tuple[str, list[PacketId]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.low = Low(self.root / "low", IDENTITY, key=KEY)
        self.home = GatewayHome(self.low.home)
        self.home.key.write_text(KEY.encode())
        self.home.public_key.write_text(KEY.public.encode())
        self.high = High(self.root / "high", IDENTITY, {gateway_id(KEY.public): KEY.public})
        self.sticks = [self.root / "one", self.root / "two"]
        for stick in self.sticks:
            stick.mkdir()

    def put(self, lane: Lane, *, opens: bool) -> None:
        number = len(self.contents)
        packet = self.low.put(number, lane=lane, sealed=sealed(number, opens=opens))
        self.contents[packet] = sealed(number, opens=opens)
        (self.opening if opens else self.foreign).add(packet)

    @property
    def gateway(self) -> GatewayId:
        """The gateway's id of today."""
        return gateway_id(self.low.key.public)

    def bags(self) -> list[Path]:
        return [bag for stick in self.sticks for bag in find_bags(stick)]

    def run(self, work: Callable[[], object], crash: int | None) -> bool:
        """Do a step here, or have it killed; return whether it came to its end here."""
        if crash is None:
            work()
            return True
        event("killed" if killed(work, at=crash) else "ended before it was killed")
        return False

    def export(self, stick: int, lanes: tuple[Lane, ...], crash: int | None) -> None:
        try:
            self.run(lambda: export(self.low.side, self.sticks[stick], progress=no_progress, lanes=lanes), crash)
        except BagError as error:
            # Its bag got its name, was not recorded, and was spoilt since: people are asked to remove it.
            event("a spoilt bag stood in the way")
            assert "already exists" in str(error)  # noqa: PT017 - only in this rare case
            for bag in find_bags(self.sticks[stick]):
                shutil.rmtree(bag)

    def reexport(self, stick: int, pick: int, crash: int | None) -> None:
        outstanding = self.low.side.outbox.outstanding()
        if outstanding:
            number = outstanding[pick % len(outstanding)].number
            shutil.rmtree(self.sticks[stick] / bag_name(self.gateway, number), ignore_errors=True)
            self.run(lambda: reexport(self.low.side, self.sticks[stick], number, progress=no_progress), crash)

    def take(self, pick: int, crash: int | None) -> None:
        if bags := self.bags():
            self.run(lambda: self.take_one(bags[pick % len(bags)]), crash)

    def take_one(self, bag: Path) -> None:
        try:
            report = self.high.take(bag)
        except BatchError:
            event("a batch was refused")
            # A genuine one is never refused, but for one of a key that is not trusted any more.
            assert (bag / "forged").exists() or any(gateway in bag.name for gateway in self.former)
            return
        assert not (bag / "forged").exists()
        lost = [item.id for item in report.missing]
        assert sorted([*report.arrived, *lost]) == [entry.id for entry in report.batch.packets]
        assert set(report.arrived) <= self.high.filed()
        assert set(lost) <= {missed.id for missed in self.high.arrivals.missing(report.batch.gateway)}
        assert not set(report.arrived) & self.missing()
        event("arrived in part" if lost else "arrived whole")
        self.answers.append((report.code, lost))

    def acknowledge(self, pick: int, crash: int | None) -> None:
        if self.answers:
            code, lost = self.answers[pick % len(self.answers)]
            self.run(lambda: self.acknowledge_one(code, lost), crash)

    def acknowledge_one(self, code: str, lost: list[PacketId]) -> None:
        try:
            report = acknowledge(self.low.side, code, missing=lost)
        except CodeError:
            # Another answer to the same batch came first, or this one names what is in no batch any more.
            event("words of a batch that was settled with other words")
            return
        assert set(report.deleted) <= self.filed()
        event("acknowledged again" if report.repeated else "acknowledged")

    def rekey(self, crash: int | None) -> None:
        self.run(self.new_key(), crash)
        self.pair_again()

    def new_key(self) -> Callable[[], object]:
        """Return what 'gateway rekey' does with the present output of 'desk head'."""
        head = LogCopy(self.high.home / "gateways", self.gateway).head()
        statement = HeadStatement(self.gateway, head, DAY)

        def work() -> None:
            resume(self.low.side)
            # A line of today would be ahead of the day on which all else happens.
            with mock.patch("gateway.home.home.utc_today", return_value=DAY):
                rekey(self.home, statement)

        return work

    def pair_again(self) -> None:
        """Complete what a crash ended, as the next command demands, and trust the new key in the old one's place."""
        if self.home.new_key.exists():
            complete(self.home)
        key = parse_signing_key(self.home.key.read_text())
        if gateway_id(key.public) != self.gateway:
            event("a new key")
            self.former.append(self.gateway)
            self.low.key = key
            self.high.trusted = {self.gateway: key.public}

    def guess(self, pick: int, missing: int) -> None:
        """Words with another list of missing packets than the desk's."""
        if self.answers:
            code, lost = self.answers[pick % len(self.answers)]
            listed = sorted(self.opening | self.foreign)
            other = sorted({*lost} ^ {listed[missing % len(listed)]})
            before = self.low.spooled()
            try:
                if acknowledge(self.low.side, code, missing=other).repeated:
                    return
            except CodeError:
                assert self.low.spooled() == before or self.low.spooled() <= before  # a crash may be completed
                return
            raise AssertionError("words were taken with a wrong list of missing packets")

    def lose(self, pick: int) -> None:
        if bags := self.bags():
            shutil.rmtree(bags[pick % len(bags)])

    def spoil(self, pick: int, kind: str, place: int) -> None:
        if not (bags := self.bags()):
            return
        bag = bags[pick % len(bags)]
        if (bag / "forged").exists():
            return  # a second flip would make it genuine again
        packets = sorted((bag / "data/packets").iterdir())
        if kind == "forge":
            manifest = (bag / "batch.json").read_bytes()
            comment = (bag / "batch.json.minisig").read_text().splitlines()[2].removeprefix("trusted comment: ")
            (bag / "batch.json.minisig").write_text(FORGER.sign(manifest, trusted_comment=comment))
            (bag / "forged").touch()
        elif kind == "list":
            forged = bytearray((bag / "batch.json").read_bytes())
            forged[place % len(forged)] ^= 1
            (bag / "batch.json").write_bytes(forged)
            (bag / "forged").touch()
        elif packets:
            packet = packets[place % len(packets)]
            content = packet.read_bytes()
            if kind == "truncate":
                packet.write_bytes(content[: place % max(1, len(content))])
            elif kind == "flip":
                at = place % max(1, len(content))
                packet.write_bytes(content[:at] + bytes([(content[at] if content else 0) ^ 1]) + content[at + 1 :])
            else:
                packet.unlink()

    def check(self) -> None:
        """What must be true at every moment, crashes included."""
        spooled, filed = self.low.spooled(), self.filed()
        assert self.opening <= spooled | filed, "a packet is neither below nor above"
        assert self.foreign <= spooled, "a packet that does not open was deleted"
        assert not self.foreign & filed
        for packet in filed:
            assert (self.high.inbox / f"{packet}.age").read_bytes() == self.contents[packet]
        assert {stored.id for stored in self.high.arrivals.packets()} <= filed
        assert self.high.arrivals.alarms() == []

    def missing(self) -> set[str]:
        """Return what the desk lists as missing, of whatever key."""
        return {missed.id for one in [*self.former, self.gateway] for missed in self.high.arrivals.missing(one)}

    def filed(self) -> set[str]:
        names = [path.name for path in self.high.inbox.glob("*")] if self.high.inbox.exists() else []
        # A killed import leaves its working folder; the next one removes it.
        return {name.removesuffix(".age") for name in names if name not in (".lock", ".arriving")}

    def settle(self) -> None:
        """Go on as operators would until nothing moves any more, without further mishaps."""
        for name in ("three", "four", "five"):
            if name != "three" and self.low.spooled() == self.foreign and not self.low.outbox.outstanding():
                break
            self.low.later()
            stick = self.root / name
            stick.mkdir()
            for number in export(self.low.side, stick, progress=no_progress).outstanding:
                if not list(stick.glob(f"enveis-*-{number:06d}")):
                    reexport(self.low.side, stick, number, progress=no_progress)
            assert list(stick.glob(".enveis-*")) == []
            self.answers.clear()
            for bag in find_bags(stick):
                self.take_one(bag)
            for code, lost in self.answers:
                acknowledge(self.low.side, code, missing=lost)
            self.check()
        assert self.high.filed() == self.opening
        assert self.low.spooled() == self.foreign
        assert self.low.side.outbox.outstanding() == []
        assert self.missing() == self.foreign
        assert {stored.id for stored in self.high.arrivals.packets()} == self.opening
        self.check_logs()

    def check_logs(self) -> None:
        assert self.high.audit.check().faults == ()
        deleted: list[str] = []
        for gateway in [*self.former, self.gateway]:
            now = gateway == self.gateway
            log = self.low.audit if now else AuditLog(self.home.former / gateway / "audit.jsonl", today=lambda: DAY)
            assert log.check().faults == ()
            text = log.lines_after(0)
            copy = self.high.home / "gateways" / f"{gateway}.audit.jsonl"
            assert text.startswith(copy.read_bytes() if copy.exists() else b"")
            records = [parse_line(line).record for line in split_lines(text)]
            deleted += [str(record.packet) for record in records if record.event is Event.PACKET_DELETED]
            exported, acknowledged = (
                sorted(str(record.batch) for record in records if record.event is event)
                for event in (Event.BATCH_EXPORTED, Event.BATCH_ACKNOWLEDGED)
            )
            assert exported == sorted(set(exported))
            assert acknowledged == sorted(set(acknowledged))
            # The words of what an old key exported may never have come; its packets went into batches of the new one.
            assert set(acknowledged) == set(exported) if now else set(acknowledged) <= set(exported)
        assert sorted(deleted) == sorted(self.opening)


@contextmanager
def world() -> Iterator[World]:
    # In memory: what is tried is the order of steps, and a disk that syncs takes most of the time.
    folder = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="enveis-sequences-", dir=folder) as name:
        yield World(Path(name))


crashes = st.none() | st.none() | st.integers(1, CALLS_MAX)
picks = st.integers(0, 5)
sticks = st.integers(0, 1)
lanes = st.sampled_from([tuple(Lane), tuple(Lane), (Lane.HELD,), (Lane.CLEAR,)])
spoiling = st.sampled_from(["forge", "list", "truncate", "flip", "remove"])
steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(Lane)),
    st.tuples(st.just("put"), st.sampled_from(Lane)),
    st.tuples(st.just("put foreign"), st.sampled_from(Lane)),
    st.tuples(st.just("export"), sticks, lanes, crashes),
    st.tuples(st.just("export"), sticks, lanes, crashes),
    st.tuples(st.just("reexport"), sticks, picks, crashes),
    st.tuples(st.just("import"), picks, crashes),
    st.tuples(st.just("import"), picks, crashes),
    st.tuples(st.just("import"), picks, crashes),
    st.tuples(st.just("acknowledge"), picks, crashes),
    st.tuples(st.just("acknowledge"), picks, crashes),
    st.tuples(st.just("guess"), picks, picks),
    st.tuples(st.just("rekey"), crashes),
    st.tuples(st.just("lose"), picks),
    st.tuples(st.just("spoil"), picks, spoiling, st.integers(0, 2000)),
)


# A sequence begins where an uneventful first crossing has got to.
FIRST: Final[tuple[Step, ...]] = (
    ("put", Lane.CLEAR),
    ("put", Lane.HELD),
    ("put", Lane.CLEAR),
    ("export", 0, tuple(Lane), None),
    ("import", 0, None),
    ("import", 1, None),
)
beginnings = st.sampled_from([1, 2, 3, 4, 5, 6])


def walk(here: World, step: Step) -> None:
    name, *rest = step
    if name in ("put", "put foreign"):
        here.put(rest[0], opens=name == "put")
        here.low.later()
    elif name == "export":
        here.export(*rest)
    elif name == "reexport":
        here.reexport(*rest)
    elif name == "import":
        here.take(*rest)
    elif name == "acknowledge":
        here.acknowledge(*rest)
    elif name == "guess":
        here.guess(*rest)
    elif name == "rekey":
        here.rekey(*rest)
    elif name == "lose":
        here.lose(*rest)
    else:
        here.spoil(*rest)


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(beginnings, st.lists(steps, min_size=3, max_size=9))
@example(4, [("spoil", 0, "remove", 0), ("import", 0, None), ("rekey", None)])
@example(6, [("rekey", None), ("export", 1, tuple(Lane), None), ("lose", 0), ("rekey", None), ("acknowledge", 0, None)])
def test_every_packet_arrives_once_or_is_listed_as_missing(begun: int, sequence: list[Step]) -> None:
    with world() as here:
        for step in [*FIRST[:begun], *sequence]:
            walk(here, step)
            here.check()
        here.settle()


@pytest.mark.parametrize("what", ["export", "import", "acknowledge", "rekey"])
def test_killed_before_each_of_its_calls(what: str) -> None:
    """One plain crossing, and SIGKILL before single changing calls of one of its steps, from the first to the last."""
    at, was_killed = 1, True
    while was_killed:
        with world() as here:
            for lane in (Lane.CLEAR, Lane.CLEAR, Lane.HELD):
                here.put(lane, opens=True)
            here.low.later()
            work: Callable[[], object] = lambda: here.low.export(here.sticks[0])  # noqa: E731
            if what != "export":
                work()
                work = lambda: here.take_one(here.bags()[0])  # noqa: E731
            if what == "acknowledge":
                work()
                work = lambda: here.acknowledge_one(*here.answers[0])  # noqa: E731
            if what == "rekey":
                work()
                work = here.new_key()
            was_killed = killed(work, at=at)
            here.pair_again()
            here.check()
            here.settle()
        at += EACH
    assert at > 50, "the step was hardly watched"


def test_a_reexport_of_what_was_settled_is_refused() -> None:
    with world() as here:
        here.put(Lane.CLEAR, opens=True)
        here.low.later()
        here.export(0, tuple(Lane), None)
        here.take(0, None)
        here.acknowledge(0, None)
        with pytest.raises(LedgerError):
            reexport(here.low.side, here.sticks[1], 1, progress=no_progress)
