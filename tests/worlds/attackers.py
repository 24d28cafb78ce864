"""Strangers who flood a gateway, each in a program of its own: `python -m tests.worlds.attackers NAME PORT COUNT`.

Loopback only, COUNT connections at most at one time, LONGEST seconds at most. A program writes `ready` when as many
connections were open at least once, and at SIGTERM one line of JSON that says how many were opened, answered and ended
by the other side.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import resource
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from keys.receipt import new_receipt_words
from quarantine.cage.syscalls import prctl

LONGEST: Final = 900.0  # seconds
MIN_RATE: Final = 2 * 1024  # bytes per second: the default of `min_rate_bytes`
MIB: Final = 1024 * 1024
PR_SET_PDEATHSIG: Final = 1  # prctl(2)
AGAIN: Final = 0.1  # seconds until a connection that was ended is opened again
_FORM: Final = "application/x-www-form-urlencoded"
_PARTS: Final = "multipart/form-data; boundary=b"


@dataclass(slots=True)
class Tally:
    """What an attacker met with."""

    opened: int = 0
    answered: int = 0
    ended: int = 0  # by the other side, or refused


class Line:
    """One connection of an attacker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, *pieces: bytes) -> None:
        """Send all of it."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def answer(self) -> None:
        """Read until the other side closes."""
        while await self.reader.read(2**16):
            pass

    async def until_closed(self) -> None:
        """Hold the connection, and see its end."""
        await self.answer()


Attack = Callable[[Line], Awaitable[None]]


def head(path: str, length: int, content_type: str = _FORM, *more: str) -> bytes:
    """Return the head of a POST with a body of `length` bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Type: {content_type}"]
    return "\r\n".join([*lines, f"Content-Length: {length}", *more, "", ""]).encode()


def _part(name: str, value: bytes) -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


async def message_parts(line: Line) -> None:
    """400 parts that are called `message`, of 1 MiB each and full of emoji, in one body."""
    part = _part("message", "\U0001f600".encode() * (MIB // 4))
    await line.send(head("/submit", 400 * len(part) + 5, _PARTS))
    for _ in range(400):
        await line.send(part)
    await line.send(b"--b--")
    await line.answer()


async def long_texts(line: Line) -> None:
    """Texts of exactly as many bytes as are taken, all but the last of which comes at once, and that one never."""
    body = b"message=" + "\U0001f600".encode() * (MIB // 4)
    await line.send(head("/submit", len(body)), body[:-1])
    await line.until_closed()


async def small_fields(line: Line) -> None:
    """Thousands of small fields, and never the end."""
    body = b"".join(_part(f"person-{row}-role", b"x") for row in itertools.islice(itertools.cycle(range(1, 900)), 3900))
    await line.send(head("/submit", len(body) + 5, _PARTS), body)
    await line.until_closed()


async def closing(line: Line) -> None:
    """A tiny text, and gone at once."""
    body = b"message=" + secrets.token_hex(8).encode()
    await line.send(head("/submit", len(body)) + body)


async def closing_hard(line: Line) -> None:
    """The same, ended with a reset."""
    await closing(line)
    line.writer.transport.abort()


async def idle(line: Line) -> None:
    """The head of a text, and nothing else."""
    await line.send(head("/submit", 1000))
    await line.until_closed()


async def idle_files(line: Line) -> None:
    """The head of a large upload, and nothing else."""
    await line.send(head("/submit", 200 * MIB, _PARTS))
    await line.until_closed()


async def begun(line: Line) -> None:
    """The head of a text and a few bytes of it."""
    await line.send(head("/submit", 1000), b"message=one")
    await line.until_closed()


async def begun_files(line: Line) -> None:
    """The head of a large upload and 100 KB of it."""
    file = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n' + b"x" * 100_000
    await line.send(head("/submit", 200 * MIB, _PARTS), file)
    await line.until_closed()


async def minimum_rate(line: Line) -> None:
    """A text or a large upload, at exactly the rate below which it would be cut off."""
    if random.random() < 0.5:
        await line.send(head("/submit", MIB), b"message=")
    else:
        file = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        await line.send(head("/submit", 200 * MIB, _PARTS), file + b"x" * 20_000)
    await asyncio.sleep(random.random())  # so that not all of them send in the same moment
    while not line.reader.at_eof():
        await line.send(b"x" * MIN_RATE)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await line.reader.read(2**16)


async def withdraw(line: Line) -> None:
    """A request to take back a packet that never was, with an invented button."""
    day, token, mark = datetime.now(UTC).date().isoformat(), secrets.token_hex(32), secrets.token_hex(32)
    body = f"packet={secrets.token_hex(16)}&day={day}&token={token}&mark={mark}".encode()
    await line.send(head("/withdraw", len(body)) + body)
    await line.answer()


async def delete_replies(line: Line) -> None:
    """A request to delete the replies to return words that nobody was ever given."""
    body = f"words={quote(new_receipt_words().return_words)}".encode()
    await line.send(head("/delete-replies", len(body)) + body)
    await line.answer()


async def person_999(line: Line) -> None:
    """One field that names a row far down."""
    body = b"person-999-side=x"
    await line.send(head("/submit", len(body)) + body)
    await line.answer()


async def too_long(line: Line) -> None:
    """A text that is too long by one byte: it is refused, and given back."""
    body = b"message=" + quote("\U0001f600").encode() * (MIB // 4 - 1) + b"xxxxx"
    await line.send(head("/submit", len(body)) + body)
    await line.answer()


async def half_heads(line: Line) -> None:
    """Sixty long header lines, and never the empty one."""
    await line.send(
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 16_000) for n in range(60))
    )
    await line.until_closed()


async def deaf(line: Line) -> None:
    """Asks for a long page of what was typed, and never reads it."""
    body = b"message=" + b"%22" * (MIB // 4) + b"&person-1-role=" + b"x" * 5000
    await line.send(head("/form", len(body)) + body)
    line.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
    await asyncio.sleep(LONGEST)


async def not_read(line: Line) -> None:
    """Asks for one page after another on one connection, and never reads one."""
    line.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a socket's transport
    while True:
        await line.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")


ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__.replace("_", "-"): attack
    for attack in (
        message_parts,
        long_texts,
        small_fields,
        closing,
        closing_hard,
        idle,
        idle_files,
        begun,
        begun_files,
        minimum_rate,
        withdraw,
        delete_replies,
        person_999,
        too_long,
        half_heads,
        deaf,
        not_read,
    )
}


@contextlib.asynccontextmanager
async def _connected(port: int) -> AsyncIterator[Line]:
    # From many addresses: the ports of one would be used up.
    source = (f"127.{random.randrange(1, 250)}.{random.randrange(1, 250)}.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


async def _again_and_again(attack: Attack, port: int, pause: float, tally: Tally, opened: Callable[[], None]) -> None:
    while True:
        try:
            async with _connected(port) as line:
                tally.opened += 1
                opened()
                await attack(line)
                tally.answered += 1
        except (OSError, EOFError):
            tally.ended += 1
            await asyncio.sleep(AGAIN)
        await asyncio.sleep(pause * random.random() * 2)


async def _run(attack: Attack, port: int, count: int, pause: float, seconds: float) -> Tally:
    tally, stop = Tally(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    def opened() -> None:
        if tally.opened == count:
            print("ready", flush=True)

    workers = [asyncio.create_task(_again_and_again(attack, port, pause, tally, opened)) for _ in range(count)]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
    for worker in workers:
        worker.cancel()
    await asyncio.wait(workers, timeout=5)
    return tally


def main() -> None:
    """Run one attack until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=ATTACKS)
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two of one connection, on average")
    parser.add_argument("--seconds", type=float, default=LONGEST)
    asked = parser.parse_args()
    # Whoever started it may be killed: an attack never outlives them.
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    seconds = min(asked.seconds, LONGEST)
    tally = asyncio.run(_run(ATTACKS[asked.name], asked.port, asked.count, asked.pause, seconds))
    print(json.dumps(asdict(tally)), flush=True)


if __name__ == "__main__":
    main()
