"""When a process of the link has to end: shared by the sender and the receiver's processes."""

import os
import signal
from types import FrameType


class Ending:
    """Ends a loop at SIGTERM or SIGINT, or when the process that started this one is gone."""

    def __init__(self) -> None:
        self._asked = False
        self._parent = os.getppid()

    def __enter__(self) -> "Ending":
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)

    def should_continue(self) -> bool:
        """Return whether the loop should continue."""
        return not self._asked and os.getppid() == self._parent

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
