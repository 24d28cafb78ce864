"""How `enveis run` is asked to end: by Ctrl-C, by a service manager, or by the terminal that closes.

It stands apart from `run` and from `mover`, which both need it, so that neither has to import the other for it.
"""

import os
import select
import signal
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a manager, a closed terminal


class Stopping:
    """Ctrl-C and its like: an interruption during the start, later a request that the mover sees between two moves."""

    def __init__(self) -> None:
        self._asked = False
        self._polite = False
        self._loaded = False
        self._heard, self._bell = os.pipe2(os.O_CLOEXEC)

    def politely(self) -> None:
        """From now on the first signal only asks to stop; a second one interrupts."""
        self._polite = True

    def wait(self, seconds: float) -> bool:
        """Wait at most so long, and return whether somebody asked to stop."""
        # Not a threading.Event: set by a handler that interrupts its own wait() it can wait for ever.
        return self._asked or bool(select.select([self._heard], [], [], seconds)[0])

    def interrupt_if_asked(self) -> None:
        """Raise KeyboardInterrupt if somebody has asked to stop, or does so from here on."""
        self._loaded = True
        if self._asked:
            raise KeyboardInterrupt

    def __enter__(self) -> "Stopping":
        self._before = {number: signal.signal(number, self._signalled) for number in ENDING}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._heard)
        os.close(self._bell)

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        first, self._asked = not self._asked, True
        if first and not (self._loaded or self._polite):
            return  # a library that is interrupted while it is loaded may do anything; `interrupt_if_asked` comes soon
        if first and self._polite:
            os.write(self._bell, b"!")
        else:
            raise KeyboardInterrupt
