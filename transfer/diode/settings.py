"""`link.toml`, on each side: how a batch crosses the link; each setting with default, bounds and reason. Read at start.

Both ends need the same port, and nothing else in common: datagrams carry their own sizes.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from audit.operational_log import LogForm
from disk.settings import check_settings, encode_settings, setting
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
    """The low side's settings, in the order in which they are written."""

    to: str = setting(
        f"127.0.0.1:{PORT}",
        why="Address and port of the receiver. It cannot be a name: looking a name up would need an answer.",
    )
    mtu: int = setting(
        1500,
        bounds=(MTU_MIN, MTU_MAX),
        why="Bytes of the largest frame's content on every part of the way. A datagram is never larger: one that is cut"
        " in pieces is lost when one piece is.",
    )
    rate_bytes: int = setting(
        50_000_000,
        bounds=(10_000, 10_000_000_000),
        why="Bytes per second, headers included. Below what diode and receiver take without loss.",
    )
    repair_percent: int = setting(
        10,
        bounds=(0, 100),
        why="Repair symbols for each 100 source symbols of a block, in each pass. docs/diode.md has a table.",
    )
    passes: int = setting(2, bounds=(1, 100), why="Times that an object is sent, each time with other repair symbols.")
    small_passes: int = setting(4, bounds=(1, 100), why="The same, for objects below 1 MiB.")
    pass_gap_seconds: int = setting(
        30,
        bounds=(0, 24 * 3600),
        why="Seconds between two passes of one object: a receiver that restarts misses one, not both.",
    )
    carousel_times: int = setting(
        3,
        bounds=(0, 1000),
        why="Times that the object is sent once more after that, until its acknowledgement words have been typed in"
        " here.",
    )
    carousel_seconds: int = setting(6 * 3600, bounds=(1, 31 * 24 * 3600), why="Seconds before each of these.")
    heartbeat_tenths: int = setting(10, bounds=(1, 600), why="Tenths of a second between two heartbeats.")
    constant_rate: bool = setting(
        False,
        why="Whether the link is always busy at rate_bytes and every datagram looks like any other, so that whoever"
        " watches it does not see when something is sent.",
    )
    log_form: str = setting(
        "console",
        choices=tuple(map(str, LogForm)),
        why="Form of the lines on standard error: json for programs, console for people.",
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        check_settings(self)
        parse_address("to", self.to)

    @property
    def address(self) -> tuple[str, int]:
        """Where datagrams go."""
        return parse_address("to", self.to)


@dataclass(frozen=True)
class ReceiverSettings:
    """The high side's settings, in the order in which they are written."""

    listen: str = setting(f"127.0.0.1:{PORT}", why="Address and port on the interface of the diode.")
    quota_bytes: int = setting(
        100 * GIB,
        bounds=(16 * MIB, 1024 * 1024 * GIB),
        why="Bytes that objects in progress and batches not imported yet may take together, an equal part for each"
        " gateway. An object needs two and a quarter times its size while it arrives.",
    )
    objects_max: int = setting(
        8,
        bounds=(1, 64),
        why="Objects in progress at the same time, as many of each gateway. One object too many waits for its next"
        " pass.",
    )
    buffer_bytes: int = setting(
        64 * MIB,
        bounds=(MIB, 512 * MIB),
        why="Bytes of the socket's buffer in the kernel. Without the right to force it, the kernel's limit"
        " net.core.rmem_max applies: raise that too.",
    )
    log_form: str = setting(
        "console",
        choices=tuple(map(str, LogForm)),
        why="Form of the lines on standard error: json for programs, console for people.",
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        check_settings(self)
        parse_address("listen", self.listen)

    @property
    def address(self) -> tuple[str, int]:
        """Where datagrams arrive."""
        return parse_address("listen", self.listen)


LinkSettings = SenderSettings | ReceiverSettings


def encode_link_settings(settings: LinkSettings) -> str:
    """Return the text of a link.toml with every setting and what it is for."""
    return encode_settings(
        settings, head="How batches cross the one-way link. A key that is not listed here is refused at start."
    )
