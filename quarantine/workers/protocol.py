"""The messages between the broker and its zygote. Both ends are ours; no byte of a file passes here.

One SEQPACKET socket carries requests, one packet each: JSON, and three descriptors (the file, the pipe for the worker's
answer, the worker's status socket). The zygote passes the packet as it is, with the first two descriptors, to a worker
that was forked ahead and waits on a socket of its own. On the status socket the zygote sends one packet when the worker
has ended: how, and what it took. When the broker closes its end before that, the worker is killed. A worker has none of
these sockets any more when it touches the file.
"""

import dataclasses
import json
import struct
from dataclasses import dataclass
from typing import Final

from quarantine.budgets import Budgets
from quarantine.cage.layers import Cage, Layer
from quarantine.file_types import FileType

REQUEST_MAX: Final = 4096  # bytes
DESCRIPTORS: Final = 3  # of a request
WORKERS_DESCRIPTORS: Final = 2  # of these, what the worker gets: the file and the pipe
PICTURES: Final = "pictures"  # a zygote's argument: pictures are taken here, so Pillow is loaded

_END: Final = struct.Struct("=iqd")
END_SIZE: Final = _END.size  # bytes


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
class End:
    """How a worker ended and what it took, as the kernel counted it (wait4(2)); nothing of it comes from the worker."""

    status: int  # as wait4 gives it
    memory: int  # bytes resident at most, what it shares with the zygote included
    cpu: float  # seconds, those before it got its file included


@dataclass(frozen=True, slots=True)
class Hello:
    """What a zygote sends when it is ready, or `fault`: why it never will be."""

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
    # Not dataclasses.asdict, which copies every number with care.
    given = {name: getattr(request, name) for name in Request.__slots__}
    given["budgets"] = {name: getattr(request.budgets, name) for name in Budgets.__slots__}
    return json.dumps(given).encode()


def parse_request(packet: bytes) -> Request:
    """Read one packet."""
    given = json.loads(packet)
    given["budgets"] = Budgets(**given["budgets"])
    given["file_type"] = given["file_type"] and FileType(given["file_type"])
    given["place"] = given["place"] and tuple(given["place"])
    return Request(**given)


def encode_end(end: End) -> bytes:
    """Return one packet."""
    return _END.pack(end.status, end.memory, end.cpu)


def parse_end(packet: bytes) -> End:
    """Read one packet."""
    return End(*_END.unpack(packet))


def encode_hello(hello: Hello) -> bytes:
    """Return one packet."""
    return json.dumps(dataclasses.asdict(hello)).encode()


def parse_hello(packet: bytes) -> Hello:
    """Read one packet."""
    return Hello(**json.loads(packet))
