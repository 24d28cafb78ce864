"""What the broker and its zygote say to each other. Both ends are ours; no byte of a file passes here.

One SEQPACKET socket carries requests, one packet each: JSON, and three descriptors (the file, the pipe for the worker's
answer, the worker's status socket). On its status socket the zygote sends one packet, the worker's wait status, when it
has ended; when the broker closes its end before that, the worker is killed. The worker itself has neither socket.
"""

import dataclasses
import json
import struct
from dataclasses import dataclass
from typing import Final

from quarantine.budgets import Budgets
from quarantine.cage import Cage, Layer
from quarantine.types import FileType

REQUEST_MAX: Final = 4096  # bytes
DESCRIPTORS: Final = 3
PICTURES: Final = "pictures"  # a zygote's argument: pictures are taken here, so Pillow is loaded
STATUS: Final = struct.Struct("=i")  # as waitpid(2) gives it


@dataclass(frozen=True, slots=True)
class Request:
    """One worker's work: a file of some type, or, to prove the cage, an attack from inside."""

    cpu_seconds: int
    budgets: Budgets
    file_type: FileType | None = None  # examine it as this
    place: tuple[int, ...] | None = None  # or unpack the member of a ZIP that lies there
    attack: str | None = None  # or try this
    target: str = ""  # what the attack is aimed at


@dataclass(frozen=True, slots=True)
class Hello:
    """What a zygote says when it is ready, or `fault`: why it never will be."""

    landlock_abi: int
    namespaces: bool
    fault: str = ""


def encode_cage(cage: Cage) -> str:
    """Return the zygote's argument."""
    return json.dumps({"without": sorted(cage.without), "landlock_abi": cage.landlock_abi})


def parse_cage(text: str) -> Cage:
    """Read the zygote's argument."""
    given = json.loads(text)
    return Cage(frozenset(map(Layer, given["without"])), given["landlock_abi"])


def encode_request(request: Request) -> bytes:
    """Return one packet."""
    return json.dumps(dataclasses.asdict(request)).encode()


def parse_request(packet: bytes) -> Request:
    """Read one packet."""
    given = json.loads(packet)
    given["budgets"] = Budgets(**given["budgets"])
    given["file_type"] = given["file_type"] and FileType(given["file_type"])
    given["place"] = given["place"] and tuple(given["place"])
    return Request(**given)


def encode_hello(hello: Hello) -> bytes:
    """Return one packet."""
    return json.dumps(dataclasses.asdict(hello)).encode()


def parse_hello(packet: bytes) -> Hello:
    """Read one packet."""
    return Hello(**json.loads(packet))
