"""What came to the desk from each gateway, what is missing, and what does not fit together."""

from dataclasses import dataclass

from transfer.batch.batch import GatewayId
from transfer.high_side.alarms import Alarm
from transfer.high_side.arrivals import ArrivalCounts, Arrivals, Gap, MissingPacket
from transfer.high_side.gateway_days import DayAhead


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """One gateway's batches as the desk has them; `alarms` are contradictions that people must investigate."""

    gateway: GatewayId
    counts: ArrivalCounts
    gaps: tuple[Gap, ...]
    missing: tuple[MissingPacket, ...]
    alarms: tuple[Alarm, ...]
    days_ahead: tuple[DayAhead, ...]


def read_high_status(arrivals: Arrivals) -> tuple[GatewayStatus, ...]:
    """Return the state of each gateway from which anything came, by id."""
    alarms = arrivals.alarms()
    return tuple(
        GatewayStatus(
            gateway=gateway,
            counts=arrivals.counts(gateway),
            gaps=arrivals.gaps(gateway),
            missing=tuple(arrivals.missing(gateway)),
            alarms=tuple(alarm for alarm in alarms if alarm.gateway == gateway),
            days_ahead=arrivals.days_ahead(gateway),
        )
        for gateway in arrivals.gateways()
    )
