"""Mutated datagrams, led by coverage: `python -m tests.diode.fuzz --runs 500000`.

One execution is a handful of datagrams into one receiver: raw bytes; authentic ones with mutated fields; signed
notices with mutated bytes; and genuine symbols, repeated, out of order, of another size. Whatever comes, there is no
exception, memory stays with the objects that were announced, and an object that becomes whole is the one that was sent.

Invariant L3.
"""

import argparse
import hashlib
import resource
import sys
from typing import Final

import atheris

with atheris.instrument_imports(include=["transfer.diode", "transfer.record"]):
    from tests.diode.memory_link import SYMBOL, MemoryLink
    from transfer.diode.wire.datagram import HEAD, DatagramKind, DatagramWriter
    from transfer.diode.wire.notices import BatchProgress, History, HistoryEntry, encode_history, encode_object

from keys.signing import SigningKey

KEY: Final = SigningKey.generate()
CONTENT: Final = hashlib.shake_256(b"an object").digest(7 * SYMBOL - 5)
DATAGRAMS: Final = 12  # of one execution
OBJECTS_MAX: Final = 2
MEMORY_MAX: Final = 512 * 1024 * 1024  # bytes of data that the process may have


class Stage:
    """What is genuine, made once; each execution has a receiver of its own."""

    def __init__(self) -> None:
        first = MemoryLink(key=KEY, objects_max=OBJECTS_MAX)
        self.secret = first.secret
        self.header = first.header(CONTENT, block_symbols=4, digest="ab" * 32)
        self.announcement = first.announce(self.header)
        self.symbols = first.symbols(self.header, CONTENT, repairs=3)
        self.signed = encode_object(self.header, KEY)
        entries = (HistoryEntry(1, "ab" * 32, BatchProgress.SENT),)
        self.history = encode_history(History(first.gateway, 1, 1, entries), KEY)

    def receiver(self) -> MemoryLink:
        return MemoryLink(key=KEY, secret=self.secret, objects_max=OBJECTS_MAX)


def execute(stage: Stage, untrusted: bytes) -> None:
    """One execution."""
    data = atheris.FuzzedDataProvider(untrusted)
    link = stage.receiver()
    together: list[memoryview] = []
    for _ in range(data.ConsumeIntInRange(1, DATAGRAMS)):
        together.append(memoryview(bytearray(_datagram(stage, link, data))))
        if data.ConsumeBool():
            link.intake.take_all(together)
            together = []
            link.intake.flush()
            link.store.decode()
            link.intake.maintain()
    link.intake.take_all(together)
    link.intake.flush()
    link.store.decode()
    found = link.received(stage.header)
    if found is not None and found != CONTENT:
        raise RuntimeError("a wrong object became whole")
    if len(link.store.data) > OBJECTS_MAX or any(name != stage.header.name for name in link.store.data):
        raise RuntimeError("an object was opened that the gateway never announced")


def _datagram(stage: Stage, link: MemoryLink, data: atheris.FuzzedDataProvider) -> bytes:
    choice = data.ConsumeIntInRange(0, 6)
    if choice == 0:
        return bytes(data.ConsumeBytes(data.ConsumeIntInRange(0, 200)))
    if choice == 1:
        return stage.announcement
    if choice in (2, 3):
        index: int = data.ConsumeIntInRange(0, len(stage.symbols) - 1)
        return stage.symbols[index]
    if choice == 4:
        genuine = bytearray(stage.symbols[0])
        genuine[data.ConsumeIntInRange(0, HEAD.size - 1)] ^= 1 << data.ConsumeIntInRange(0, 7)
        return bytes(genuine)
    return _authentic(stage, link, data, signed=choice == 5)


def _authentic(stage: Stage, link: MemoryLink, data: atheris.FuzzedDataProvider, *, signed: bool) -> bytes:
    """Return a datagram with a correct MAC, from someone who has the link key but not the gateway's key."""
    size = SYMBOL + 8 * data.ConsumeIntInRange(0, 3)
    writer = DatagramWriter(
        stage.secret,
        link=int(link.gateway[:4], 16),
        session=data.ConsumeIntInRange(0, 2**64 - 1),
        symbol=size,
        veiled=data.ConsumeBool(),
    )
    kind = DatagramKind(data.ConsumeIntInRange(1, 5))
    payload = bytearray(stage.signed if data.ConsumeBool() else stage.history) if signed else bytearray()
    if signed and data.ConsumeBool():
        payload[data.ConsumeIntInRange(0, len(payload) - 1)] ^= 1 << data.ConsumeIntInRange(0, 7)
    payload += data.ConsumeBytes(data.ConsumeIntInRange(0, 100))
    if kind is DatagramKind.SYMBOL:
        # A thief of the link key could poison a symbol, and commit would notice; here only places are absurd.
        where = {"block": data.ConsumeIntInRange(2, 2**32 - 1), "esi": data.ConsumeIntInRange(0, 2**32 - 1)}
    else:
        where = {"block": 0, "esi": 0}
    buffer = bytearray(writer.size)
    tag = stage.header.tag if data.ConsumeBool() else bytes(data.ConsumeBytes(8)).ljust(8, b"\0")
    number = data.ConsumeIntInRange(0, 2) or data.ConsumeIntInRange(0, 2**32 - 1)
    writer.write(memoryview(buffer), kind, bytes(payload[:size]), number=number, tag=tag, **where)
    return bytes(buffer)


def main() -> None:
    """Run until the number of executions is reached; a fault ends the process with a status of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    stage = Stage()
    # -seed=0 would be the clock. The kernel bounds memory: what libFuzzer takes for our peak is, after a vfork, that of
    # whoever started us.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX, MEMORY_MAX))
    options = [f"-runs={arguments.runs}", f"-seed={max(1, arguments.seed)}", "-max_len=2048", "-rss_limit_mb=0"]
    atheris.Setup([sys.argv[0], *options], lambda untrusted: execute(stage, untrusted))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
