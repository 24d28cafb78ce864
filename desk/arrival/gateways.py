"""The gateways that a desk trusts or has trusted: the log of each, and whether a new key's log continues the old one.

A gateway whose key can no longer be trusted is *distrusted*: its batches are refused, and what arrived stays. Its
successor has another key and so another id, and names in its log the last line of the old one that this desk trusts.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.chain import EMPTY, Head, hash_line, parse_line, split_lines
from audit.errors import AuditError, LineError
from audit.events import Event
from audit.log import AuditLog
from audit.utc_day import utc_today
from desk.errors import DeskError
from desk.home import DeskHome, pair, read_pairing
from disk.durable import make_private_folder, replace, sync_folder
from transfer.batch.batch import GatewayId
from transfer.errors import CopyDamagedError
from transfer.head_statement import HeadStatement
from transfer.high_side.arrivals import Arrivals
from transfer.high_side.log_copy import LogCopy
from transfer.pairing import Pairing
from transfer.record import HEX_64
from transfer.short_ids import find_id

_FORMER: Final = "former"
_BEGINNING: Final = 8 * 1024  # bytes of a log in which its continuation must stand: it is the third line


@dataclass(frozen=True, slots=True)
class KnownGateway:
    """One gateway; `succession` is a sentence on how its log continues the one before it, `alarm` is true if wrongly.

    `copy_fault` is what is wrong with the copy of its log here, or empty; then `head` is as far as it can be read.
    """

    pairing: Pairing
    trusted: bool
    head: Head
    succession: str
    alarm: bool
    copy_fault: str = ""


def list_gateways(home: DeskHome) -> list[KnownGateway]:
    """Return every gateway that is or was trusted here, ordered by id."""
    trusted, former = home.pairings(), _former(home)
    arrivals = Arrivals(home.arrivals)
    found = []
    for name, pairing in sorted({**former, **trusted}.items()):
        succession, alarm = _succession(home, name)
        fault = copy_fault(home, arrivals, name)
        found.append(KnownGateway(pairing, name in trusted, _readable_head(home, name), succession, alarm, fault))
    return found


def copy_fault(home: DeskHome, arrivals: Arrivals, gateway: str) -> str:
    """Return a sentence on what is wrong with the copy of a gateway's log, by the signed heads that arrived; or ''."""
    name = GatewayId(gateway)
    try:
        LogCopy(home.gateways, name).verify_copy(arrivals.reached(name))
    except CopyDamagedError as error:
        return str(error)
    return ""


def find_gateway(home: DeskHome, untrusted_name: str) -> Pairing:
    """Return the gateway, trusted now or formerly, whose id begins with `untrusted_name`.

    Raises:
        ShortIdError: None does, or several do: the sentence lists these.
    """
    every = {**_former(home), **home.pairings()}
    return every[
        find_id(untrusted_name, every, absent="there is no such gateway here ('enveis desk gateways' lists them)")
    ]


def state_head(home: DeskHome, gateway: str) -> HeadStatement:
    """Return a statement of the last line of a gateway's log that this desk trusts, and log that it was made.

    Raises:
        DeskError: The copy of that log is damaged, or ends before the last signed head that arrived: the statement
            would cover too little.
    """
    fault = copy_fault(home, Arrivals(home.arrivals), gateway)
    if fault:
        raise DeskError(f"nothing was signed: {fault}")
    head = LogCopy(home.gateways, GatewayId(gateway)).head()
    home.log().append(Event.HEAD_STATED, gateway=gateway, digest=head.hash)
    return HeadStatement(GatewayId(gateway), head, utc_today())


def distrust(home: DeskHome, gateway: str) -> bool:
    """Refuse this gateway's batches from now on; return False when they already were."""
    path = _pairing_path(home, gateway)
    if not path.exists():
        return False
    home.log().append(Event.GATEWAY_DISTRUSTED, gateway=gateway)
    make_private_folder(home.gateways / _FORMER)
    path.rename(home.gateways / _FORMER / path.name)
    for folder in (home.gateways, home.gateways / _FORMER):
        sync_folder(folder)
    return True


def replace_gateway(home: DeskHome, old: str, pairing: Pairing) -> bool:
    """Trust `pairing` in place of the gateway `old`; called again, it completes what was interrupted.

    Returns whether the new one was not trusted before.

    Raises:
        DeskError: It is the same gateway, or another pairing of the new one is trusted.
    """
    if pairing.gateway == old:
        raise DeskError(f"this is the pairing of gateway {old} itself: a new key makes a new id")
    replace(_replaces_path(home, pairing.gateway), [old.encode("ascii")])
    new = pair(home, pairing)
    distrust(home, old)
    return new


def _readable_head(home: DeskHome, gateway: str) -> Head:
    with contextlib.suppress(CopyDamagedError):
        return LogCopy(home.gateways, GatewayId(gateway)).head()
    return EMPTY


def _succession(home: DeskHome, gateway: str) -> tuple[str, bool]:
    try:
        return _read_succession(home, gateway)
    except (AuditError, CopyDamagedError):
        return "has a succession that cannot be checked: a copy of a log is damaged", True


def _read_succession(home: DeskHome, gateway: str) -> tuple[str, bool]:
    path = _replaces_path(home, gateway)
    if not path.exists():
        return "", False
    with path.open("rb") as stream:
        old = stream.read(64).decode("ascii", "replace")
    if not HEX_64.fullmatch(old):
        return f"replaces a gateway, but {path.name} is damaged and does not say which", True
    log = AuditLog(home.gateways / f"{gateway}.audit.jsonl", today=utc_today)
    beginning = log.lines_after(0, size_max=_BEGINNING)
    if not beginning:
        return f"replaces {old}; nothing of it has arrived yet", False
    for line in split_lines(beginning):
        record = parse_line(line).record
        if record.event is Event.CHAIN_CONTINUES and record.gateway == old and record.digest is not None:
            return _place(home, old, record.digest)
    return f"replaces {old}, but does not say so in its log", True


def _place(home: DeskHome, old: str, digest: str) -> tuple[str, bool]:
    head = LogCopy(home.gateways, GatewayId(old)).head()
    if digest == head.hash:
        return f"continues {old} after its last line here, {head.seq}", False
    log = AuditLog(home.gateways / f"{old}.audit.jsonl", today=utc_today)
    for line in log.lines():
        with contextlib.suppress(LineError):
            if hash_line(line) == digest:
                seq = parse_line(line).seq
                return f"continues {old} after line {seq}; {head.seq - seq} more lines arrived here", False
    return f"continues {old} after a line that this desk does not have", True


def _former(home: DeskHome) -> dict[str, Pairing]:
    paths = sorted((home.gateways / _FORMER).glob("*.pairing"))
    return {path.stem: read_pairing(path) for path in paths}


def _pairing_path(home: DeskHome, gateway: str) -> Path:
    return home.gateways / f"{gateway}.pairing"


def _replaces_path(home: DeskHome, gateway: str) -> Path:
    return home.gateways / f"{gateway}.replaces"
