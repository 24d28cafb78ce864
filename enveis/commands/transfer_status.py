"""`enveis transfer status`: what is in transit between the two machines. Exit status 3 means an alarm."""

from argparse import Namespace
from typing import TYPE_CHECKING, Final

from audit.utc_day import utc_today
from enveis.command import Command, home_of
from enveis.commands.diode_status import link_as_json, read_link, read_sender, show_link, show_sender
from enveis.errors import RefusedError
from enveis.terminal import Terminal
from enveis.wiring import low_side, waiting_limits

if TYPE_CHECKING:
    from desk.home import DeskHome
    from gateway.home.home import GatewayHome
    from transfer.high_side.status import GatewayStatus
    from transfer.low_side.status import BatchStatus, LowStatus, WaitingLimits

EXIT_ALARM: Final = 3  # the command succeeded, and somebody must investigate what it shows


def _status(arguments: Namespace, terminal: Terminal) -> int:
    from desk.home import DeskHome
    from gateway.home.home import GatewayHome

    root = home_of(arguments)
    if GatewayHome(root).config.exists():
        return _low(GatewayHome(root), terminal)
    if DeskHome(root).config.exists():
        return _high(DeskHome(root), terminal)
    raise RefusedError(f"{root} is neither a gateway's home nor a desk's")


def _low(home: "GatewayHome", terminal: Terminal) -> int:
    from transfer.low_side.status import read_low_status

    low, limits = low_side(home), waiting_limits(home)
    sender = read_sender(home)
    status = read_low_status(low.spool, low.outbox, today=utc_today(), limits=limits)
    is_behind = home.clock().is_behind()
    if terminal.as_json:
        link = {} if sender is None else {"link": sender}
        terminal.answer(_low_as_json(status) | {"clock_behind": is_behind} | link)
    else:
        _say_low(terminal, status, limits)
        if is_behind:
            terminal.warn(
                "ALARM: this machine's clock is before the last day of its log: set it; nothing is signed by it"
            )
        if sender is not None:
            show_sender(sender, terminal)
    return EXIT_ALARM if status.alarms or is_behind else 0


def _low_as_json(status: "LowStatus") -> dict[str, object]:
    return {
        "side": "low",
        "lanes": [
            {"lane": str(item.lane), "ready": item.ready, "waiting_for_tick": item.fresh, "in_batches": item.exported,
             "oldest_days": item.oldest_days, "clock_was_ahead": item.ahead}
            for item in status.lanes
        ],
        "batches": [
            {"number": item.batch.number, "lane": str(item.batch.lane), "packets": item.batch.packets,
             "made": item.batch.day.isoformat(), "exported": item.batch.sent.isoformat(), "days": item.days,
             "overdue": item.overdue, "on_a_stick": item.batch.published}
            for item in status.batches
        ],
        "past_retention": status.past_retention,
        "alarms": [str(alarm) for alarm in status.alarms],
    }  # fmt: skip


def _say_low(terminal: Terminal, status: "LowStatus", limits: "WaitingLimits") -> None:
    from transfer.low_side.status import LowAlarm

    terminal.table(
        ("lane", "ready", "waiting for the tick", "in batches", "oldest (days)"),
        [(item.lane, item.ready, item.fresh, item.exported, item.oldest_days) for item in status.lanes],
    )
    if status.batches:
        terminal.say("")
        rows = [
            (item.batch.number, item.batch.lane, item.batch.packets, item.batch.sent, item.days, _state(item))
            for item in status.batches
        ]
        terminal.table(("batch", "lane", "packets", "exported", "days", "state"), rows)
    sentences = {
        LowAlarm.OLD_PACKETS: f"a packet has waited here for {limits.alarm_days} days or more, or arrived while "
        "the clock was ahead",
        LowAlarm.OVERDUE_BATCHES: "acknowledgement words are overdue: enveis transfer reexport --overdue DEST",
        LowAlarm.PAST_RETENTION: f"{status.past_retention} packets have waited for {limits.retention_days} days or "
        "more: enveis transfer discard lists them",
    }
    for alarm in status.alarms:
        terminal.warn(f"ALARM: {sentences[alarm]}")


def _state(status: "BatchStatus") -> str:
    if not status.batch.published:
        return "not on a stick yet: the next export finishes it"
    return "OVERDUE" if status.overdue else "waits for acknowledgement words"


def _high(home: "DeskHome", terminal: Terminal) -> int:
    from desk.arrival.gateways import list_gateways
    from transfer.high_side.arrivals import Arrivals
    from transfer.high_side.status import read_high_status

    home.check()
    gateways = read_high_status(Arrivals(home.arrivals))
    link = read_link(home)
    known = list_gateways(home)
    # A gateway with a new key whose log does not continue the old one, where this desk knows it.
    torn = [one for one in known if one.alarm]
    spoilt = [one for one in known if one.copy_fault]
    if terminal.as_json:
        links = {} if link is None else {"links": link_as_json(link)}
        chains = [{"gateway": one.pairing.gateway, "alarm": one.succession} for one in torn]
        listed = [_gateway_as_json(item) for item in gateways]
        copies = [{"gateway": one.pairing.gateway, "alarm": one.copy_fault} for one in spoilt]
        terminal.answer({"side": "high", "gateways": listed, "successions": chains, "copies": copies, **links})
    else:
        _say_high(terminal, gateways)
        for one in torn:
            terminal.warn(f"ALARM: gateway {one.pairing.gateway} {one.succession}")
        for one in spoilt:
            terminal.warn(f"ALARM: {one.copy_fault}")
        if link is not None:
            show_link(link, terminal)
    return EXIT_ALARM if torn or spoilt or any(item.alarms for item in gateways) or (link and link.is_alarm) else 0


def _gateway_as_json(status: "GatewayStatus") -> dict[str, object]:
    counts = status.counts
    return {
        "gateway": status.gateway,
        "batches": counts.batches,
        "highest": counts.highest,
        "last_came": counts.last_came.isoformat(),
        "packets": counts.packets,
        "repeated_batches": counts.repeated,
        "duplicates": counts.duplicates,
        "gaps": [[gap.first, gap.last] for gap in status.gaps],
        "clock_ahead": [
            {"batch": item.number, "stated": item.stated.isoformat(), "came": item.came.isoformat()}
            for item in status.days_ahead
        ],
        "missing": [{"packet": item.id, "batch": item.number, "reason": item.reason} for item in status.missing],
        "alarms": [{"batch": item.number, "kind": str(item.kind), "digest": item.digest} for item in status.alarms],
    }


def _say_high(terminal: Terminal, gateways: "tuple[GatewayStatus, ...]") -> None:
    from transfer.short_ids import shorten_ids

    names = shorten_ids(item.gateway for item in gateways)
    rows = [
        (names[item.gateway], item.counts.batches, item.counts.highest, item.counts.last_came, item.counts.packets,
         len(item.missing), item.counts.repeated, item.counts.duplicates, len(item.alarms))
        for item in gateways
    ]  # fmt: skip
    terminal.table(
        ("gateway", "batches", "highest", "last arrived", "packets", "missing", "repeated", "duplicates", "alarms"),
        rows,
    )
    for item in gateways:
        short = shorten_ids(missed.id for missed in item.missing)
        for gap in item.gaps:
            numbers = f"batch {gap.first} has" if gap.first == gap.last else f"batches {gap.first} to {gap.last} have"
            terminal.warn(f"{item.gateway}: {numbers} not arrived")
        for ahead in item.days_ahead:
            terminal.warn(
                f"{item.gateway}: batch {ahead.number} is dated {ahead.stated} but came on {ahead.came}: that "
                "gateway's clock was ahead, or this desk's was behind; its days do not count here"
            )
        for missed in item.missing:
            terminal.warn(
                f"{item.gateway}: packet {short[missed.id]} of batch {missed.number} is missing ({missed.reason})"
            )
        for alarm in item.alarms:
            terminal.warn(f"{item.gateway}: ALARM: two histories at batch {alarm.number} ({alarm.kind})")


COMMANDS = (Command("status", "show what is in transit between the machines; exit status 3 means an alarm", _status),)
