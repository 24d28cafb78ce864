"""`link.toml`, on each side: how a batch goes over the link. Read once at start.

Both ends need the same port, and nothing else in common: datagrams say how large they are.
"""

import ipaddress
import json
from dataclasses import dataclass, fields
from typing import Final

from transfer.diode.wire.datagram import MTU_MAX, MTU_MIN

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB
PORT: Final = 4141


def parse_address(key: str, text: str) -> tuple[str, int]:
    """Return host and port of `192.0.2.1:4141` or `[2001:db8::1]:4141`; a name would need an answer from somewhere.

    Raises:
        ValueError: With a sentence.
    """
    host, colon, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        is_short = ipaddress.ip_address(bare).version == 4
        fits = is_short == (bare == host)
    except ValueError:
        fits = False
    if not (fits and colon and port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f"'{key}' must be an address and a port, such as 192.0.2.1:4141 or [2001:db8::1]:4141")
    return bare, int(port)


@dataclass(frozen=True)
class SenderSettings:
    """The low side; each is explained where it is written, in `_SENDER` below."""

    to: str = f"127.0.0.1:{PORT}"
    mtu: int = 1500
    rate_bytes: int = 50_000_000
    repair_percent: int = 10
    passes: int = 2
    small_passes: int = 4
    pass_gap_seconds: int = 30
    carousel_times: int = 3
    carousel_seconds: int = 6 * 3600
    heartbeat_tenths: int = 10
    constant_rate: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        parse_address("to", self.to)
        _check(self, _SENDER_BOUNDS)

    @property
    def address(self) -> tuple[str, int]:
        """Where datagrams go."""
        return parse_address("to", self.to)


@dataclass(frozen=True)
class ReceiverSettings:
    """The high side; each is explained where it is written, in `_RECEIVER` below."""

    listen: str = f"127.0.0.1:{PORT}"
    quota_bytes: int = 100 * GIB
    objects_max: int = 8
    buffer_bytes: int = 64 * MIB

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        parse_address("listen", self.listen)
        _check(self, _RECEIVER_BOUNDS)

    @property
    def address(self) -> tuple[str, int]:
        """Where datagrams arrive."""
        return parse_address("listen", self.listen)


LinkSettings = SenderSettings | ReceiverSettings

_SENDER_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "mtu": (MTU_MIN, MTU_MAX),
    "rate_bytes": (10_000, 10_000_000_000),
    "repair_percent": (0, 100),
    "passes": (1, 100),
    "small_passes": (1, 100),
    "pass_gap_seconds": (0, 24 * 3600),
    "carousel_times": (0, 1000),
    "carousel_seconds": (1, 31 * 24 * 3600),
    "heartbeat_tenths": (1, 600),
}
_RECEIVER_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "quota_bytes": (16 * MIB, 1024 * 1024 * GIB),
    "objects_max": (1, 64),
    "buffer_bytes": (MIB, 512 * MIB),
}
_SENDER: Final = {
    "to": "Address and port of the receiver. No name: asking for one would need an answer.",
    "mtu": "Bytes of the largest frame's content on every part of the way. A datagram is never larger:\n"
    "# what is cut in pieces is lost when one piece is.",
    "rate_bytes": "Bytes per second, headers included. Below what diode and receiver take without loss.",
    "repair_percent": "Repair symbols for each 100 source symbols of a block, in each pass. docs/diode.md has a table.",
    "passes": "Times that an object is sent, each time with other repair symbols.",
    "small_passes": "The same, for objects below 1 MiB.",
    "pass_gap_seconds": "Seconds between two passes of one object: a receiver that restarts misses one, not both.",
    "carousel_times": "Times that it is sent once more after that, until its words have been typed in here.",
    "carousel_seconds": "Seconds before each of these.",
    "heartbeat_tenths": "Tenths of a second between two signs of life.",
    "constant_rate": "Whether the link is always busy at rate_bytes and every datagram looks like any other, so that\n"
    "# whoever watches it does not see when something is sent.",
}
_RECEIVER: Final = {
    "listen": "Address and port on the interface of the diode.",
    "quota_bytes": "Bytes that objects in progress and batches not imported yet may take together, an equal part for\n"
    "# each gateway; an object needs two and a quarter times its size while it arrives.",
    "objects_max": "Objects in progress at the same time, as many of each gateway. What is one too many waits for its\n"
    "# next pass.",
    "buffer_bytes": "Bytes of the socket's buffer in the kernel. Without the right to force it, the kernel's limit\n"
    "# net.core.rmem_max holds: raise that too.",
}


def encode_settings(settings: LinkSettings) -> str:
    """Return the text of a link.toml with every setting and what it is for."""
    comments = _SENDER if isinstance(settings, SenderSettings) else _RECEIVER
    head = "# How batches go over the one-way link. A key that is not listed here is refused at start.\n"
    lines = [
        f"# {comments[each.name]}\n{each.name} = {_toml(getattr(settings, each.name))}\n" for each in fields(settings)
    ]
    return "\n".join([head, *lines])


def _toml(value: object) -> str:
    return json.dumps(value)


def _check(settings: LinkSettings, bounds: dict[str, tuple[int, int]]) -> None:
    for name, (low, high) in bounds.items():
        if not low <= getattr(settings, name) <= high:
            raise ValueError(f"'{name}' must be from {low} to {high}")
