"""What the transfer commands share: the low side, put together from its home, and the desk's import of bags."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from audit.utc_day import utc_today
from enveis.errors import RefusedError
from enveis.terminal import Progress

if TYPE_CHECKING:
    from desk.home import DeskHome
    from gateway.home.home import GatewayHome
    from keys.identity import Identity
    from transfer.high_side.high_side import HighSide
    from transfer.high_side.import_bag import ImportReport
    from transfer.low_side.low_side import LowSide
    from transfer.low_side.status import WaitingLimits


@dataclass(frozen=True, slots=True)
class RefusedBag:
    """A bag that was refused as a whole, and the sentence why."""

    folder: Path
    reason: str


class StoppedImportError(RefusedError):
    """This machine failed at one bag; `reports` and `refused` are what came of those before it."""

    def __init__(self, cause: str, reports: "list[ImportReport]", refused: list[RefusedBag]) -> None:
        super().__init__(cause)
        self.reports = reports
        self.refused = refused


def low_side(home: "GatewayHome") -> "LowSide":
    """Return what the commands of the low side work with.

    Raises:
        LedgerError, AuditError: Ledger or log were lost or set back; one sentence names the way out. Nothing was done.
    """
    from transfer.low_side.consistency import verify_agreement
    from transfer.low_side.low_side import LowSide
    from transfer.low_side.outbox import Outbox
    from transfer.spool.spool import Spool

    material = home.load()
    config = material.config
    outbox, audit = Outbox(home.outbox), home.log()
    verify_agreement(outbox, audit)
    spool = Spool(
        home.spool,
        quota=config.quota_bytes,
        reserve=config.reserve_bytes,
        tick=config.tick_seconds,
        now=home.clock().now,
    )
    spool.take_over()
    return LowSide(
        key=material.signing_key,
        recipients=material.recipients,
        spool=spool,
        outbox=outbox,
        audit=audit,
        lock=home.root / "transfer.lock",
        today=utc_today,
    )


def waiting_limits(home: "GatewayHome") -> "WaitingLimits":
    """Return from the settings after how many days what waits is an alarm."""
    from transfer.low_side.status import WaitingLimits

    config = home.load_config()
    return WaitingLimits(config.alarm_days, config.overdue_days, config.retention_days)


def import_all(
    home: "DeskHome", source: Path, identities: "Sequence[Identity]", progress: Progress
) -> "tuple[list[ImportReport], list[RefusedBag]]":
    """Import every bag in `source` that verifies and fits; one that does not is refused and stops no other.

    Raises:
        StoppedImportError: This machine failed after some bags, perhaps its disk: the error has what was imported.
    """
    from enveis.errors import expected_sentence
    from transfer.errors import BatchError, CopyDamagedError, NoRoomError
    from transfer.high_side.import_bag import import_bag
    from transfer.usb.bag_search import demand_few
    from transfer.usb.bag_writer import find_bags

    high = _high_side(home, identities)
    reports: list[ImportReport] = []
    refused: list[RefusedBag] = []
    bags = find_bags(source)
    demand_few(bags)
    for bag in bags:
        try:
            reports.append(import_bag(high, bag, progress=progress))
        except (BatchError, CopyDamagedError, NoRoomError) as error:
            refused.append(RefusedBag(bag, str(error)))
        except Exception as error:
            sentence = expected_sentence(error)
            if sentence is None or not (reports or refused):
                raise
            raise StoppedImportError(f"at {bag}: {sentence}", reports, refused) from None
    return reports, refused


def _high_side(home: "DeskHome", identities: "Sequence[Identity]") -> "HighSide":
    from desk.arrival.opening import read_to_the_end
    from keys.age.small import open_bytes
    from transfer.batch.batch import GatewayId
    from transfer.high_side.arrivals import Arrivals
    from transfer.high_side.high_side import HighSide

    def open_packet(stream: BinaryIO) -> None:
        read_to_the_end(stream, identities)

    return HighSide(
        trusted={GatewayId(name): pairing.key for name, pairing in home.pairings().items()},
        arrivals=Arrivals(home.arrivals),
        inbox=home.inbox,
        gateways=home.gateways,
        audit=home.log(),
        today=utc_today,
        open_packet=open_packet,
        open_secret=lambda sealed: open_bytes(sealed, identities),
    )
