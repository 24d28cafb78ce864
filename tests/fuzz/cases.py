"""Mutated files in a fixed order: the same count and seed give the same files on every machine."""

import random
from collections.abc import Iterator

from quarantine.file_types import FileType
from tests.fuzz.mutation import mutate
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import document_type


def mutated(target: str, count: int, seed: int) -> Iterator[bytes]:
    """`count` mutations of a target's seeds."""
    chance = random.Random(f"{target} {seed}")
    start = seeds(target)
    for _ in range(count):
        yield mutate(chance.choice(start), chance.choice(start), chance)


def type_of(target: str, content: bytes) -> FileType:
    """As what a worker examines a file of this target."""
    if target == "image":
        return FileType.PNG if content.startswith(b"\x89") else FileType.JPEG
    return document_type(content) if target == "document" else FileType(target)
