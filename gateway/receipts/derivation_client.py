"""A derivation process and the pipe to it: one line asked, one line answered. See `derivation_process`."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

ANSWER_MAX: Final = 16 * 1024  # bytes; a hybrid recipient has 2 KiB
RESTART_AFTER: Final = 1.0  # seconds before a process that died is started again


class Derivation:
    """A running process. Not for two tasks at one time."""

    def __init__(self, asking: asyncio.StreamWriter, answering: asyncio.StreamReader) -> None:
        self._asking = asking
        self._answering = answering

    async def ask(self, line: str) -> bytes:
        """Return the answer to one line.

        Raises:
            OSError, EOFError: The process died.
            ValueError: It answered more than ANSWER_MAX bytes.
        """
        self._asking.write(f"{line}\n".encode("ascii"))
        await self._asking.drain()
        answer = await self._answering.readline()
        if not answer.endswith(b"\n"):
            raise EOFError
        return answer


@asynccontextmanager
async def derivation(*arguments: str) -> AsyncIterator[Derivation]:
    """Run a derivation process for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "gateway.receipts.derivation_process",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=ANSWER_MAX,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process without pipes")
    try:
        yield Derivation(process.stdin, process.stdout)
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
