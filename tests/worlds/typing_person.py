"""Somebody who types at a terminal, and reads what stands there."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.worlds.waiting import WATCHDOG


class Typing:
    """A real terminal with a real process behind it, which is gone at the end of the `with` block."""

    def __init__(self, *arguments: object, program: Sequence[str] = (sys.executable, "-m", "enveis")) -> None:
        self._master, slave = pty.openpty()
        # The terminal is the process's own /dev/tty too: there the age tool asks for a passphrase.
        command = ["setsid", "--ctty", *program, *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True)
        os.close(slave)
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A test that failed leaves nobody behind, who would fail another test for it.
        self.process.kill()
        self.process.wait()
        os.close(self._master)

    def wait_for(self, text: str) -> str:
        """Return what was shown up to and with `text`."""
        until = time.monotonic() + WATCHDOG
        while text not in self.seen:
            assert time.monotonic() < until, self.seen
            if select.select([self._master], [], [], 0.5)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode()
                except OSError:
                    raise AssertionError(f"it ended without {text!r}: {self.seen!r}") from None
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def type(self, line: str) -> None:
        os.write(self._master, f"{line}\n".encode())

    def end(self) -> int:
        return self.process.wait(WATCHDOG)
