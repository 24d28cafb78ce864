"""The room of one body in a memory of its own, for tests that are about something else."""

from collections.abc import Callable

from gateway.reading.body_room import BodyRoom
from gateway.reading.text_memory import TextMemory


def body_room(length: int = 10**9, on_give_way: Callable[[], None] = lambda: None) -> BodyRoom:
    """Return room for any text."""
    return BodyRoom(TextMemory(10**9), length, on_give_way)
