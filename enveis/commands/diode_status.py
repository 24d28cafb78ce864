"""What `enveis transfer status` shows of a one-way link, on either side."""

import time
from typing import TYPE_CHECKING, Any, Final

from enveis.commands.diode import LINK_LEDGER, LINK_SETTINGS, is_sending, shelf_of
from enveis.terminal import Terminal, amount

if TYPE_CHECKING:
    from desk.home import DeskHome
    from gateway.home.home import GatewayHome
    from transfer.diode.receiver.report import LinkReport, ReceiverReport

BAR_WIDTH: Final = 20  # characters
BUFFER_MIN: Final = 1024 * 1024  # bytes; below it a receiver loses datagrams whenever it is busy
HOUR: Final = 3600  # seconds
PERCENT: Final = 10_000  # millionths


def read_link(home: "DeskHome") -> "ReceiverReport | None":
    """Return the state of a desk's links, or None if it has no link."""
    from transfer.diode.receiver.network_process import read_links
    from transfer.diode.receiver.report import report_receiver
    from transfer.high_side.arrivals import Arrivals

    shelf = shelf_of(home.root)
    if not shelf.root.is_dir():
        return None
    return report_receiver(shelf, read_links(home.gateways), Arrivals(home.arrivals).batch_numbers(), now=time.time())


def link_as_json(report: "ReceiverReport") -> dict[str, object]:
    """Return the report in the form for `--json`."""
    return {
        "gateways": [
            {
                "gateway": link.gateway,
                "receiving": link.is_running,
                "up": link.is_up,
                "loss_now_millionths": link.figures.loss_now if link.figures else None,
                "loss_day_millionths": link.figures.loss_day if link.figures else None,
                "in_progress": [
                    {"batch": item.number, "size": item.size, "symbols": item.symbols, "of": item.symbols_all}
                    for item in link.in_progress
                ],
                "missing": list(link.missing),
                "two_senders": link.has_rivals,
                "abandoned": [item.number for item in link.abandoned],
                "no_room_for": link.no_room or None,
            }
            for link in report.links
        ],
        "not_imported": report.not_imported,
        "refused": dict(report.refused),
        "damaged": list(report.damaged),
        "stopped": [str(role) for role in report.stopped],
    }


def show_link(report: "ReceiverReport", terminal: Terminal) -> None:
    """Show a desk's link beneath its status."""
    for link in report.links:
        _show_one_link(link, terminal)
    for role in report.stopped:
        terminal.warn(f"ALARM: the {role} process of 'enveis transfer receive' is not running")
    for sentence in report.damaged:
        terminal.warn(f"  {sentence}")
    if report.not_imported:
        terminal.say(f"Arrived, but not yet in the inbox: {report.not_imported} batches (run 'enveis transfer import')")
    if report.refused:
        terminal.say("Dropped datagrams: " + ", ".join(f"{count} {reason}" for reason, count in report.refused))
    if 0 < report.buffer < BUFFER_MIN:
        terminal.warn(
            f"The kernel's buffer for the link has only {amount(report.buffer)}: raise net.core.rmem_max to 67108864."
        )


def _show_one_link(link: "LinkReport", terminal: Terminal) -> None:
    from transfer.diode.receiver.report import encode_numbers

    figures = link.figures
    if not link.is_running:
        terminal.warn(f"Link of gateway {link.gateway}: no receiver is running")
    elif not link.is_up:
        terminal.warn(f"Link of gateway {link.gateway}: DOWN, no heartbeat from its sender")
    else:
        terminal.say(f"Link of gateway {link.gateway}: up")
    if figures is not None:
        terminal.say(f"  lost: {_percent(figures.loss_now)} now, {_percent(figures.loss_day)} over a day")
        if figures.waiting:
            terminal.say(f"  waiting at the gateway: {figures.waiting} batches")
    for item in link.in_progress:
        share = item.symbols / item.symbols_all
        filled = int(share * BAR_WIDTH)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        terminal.say(f"  batch {item.number} [{bar}] {share:4.0%} of {amount(item.size)}")
    if link.has_rivals:
        terminal.warn("  ALARM: two senders use this gateway's key, or someone plays back a recording")
    for item in link.abandoned:
        terminal.warn(
            f"  ALARM: nothing new of batch {item.number} has arrived for {item.idle // HOUR} hours, and its gateway "
            f"no longer sends it. It occupies a place: end the receiver, remove {item.folder}, and then start the "
            "receiver again"
        )
    if link.no_room:
        terminal.warn(
            f"  ALARM: no room for batch {link.no_room}: import what has arrived, free space on the disk, or raise "
            "quota_bytes or objects_max in link.toml"
        )
    if link.missing:
        terminal.warn(f"  missing batches; run at the gateway: enveis transfer resend {encode_numbers(link.missing)}")


def _percent(millionths: int | None) -> str:
    return "nothing heard" if millionths is None else f"{millionths / PERCENT:.2f} %"


def read_sender(home: "GatewayHome") -> dict[str, Any] | None:
    """Return how often each batch was sent over a gateway's link, or None if it has no link."""
    from transfer.diode.sender.link_ledger import LinkLedger

    if not (home.root / LINK_SETTINGS).exists():
        return None
    ledger = LinkLedger(home.root / LINK_LEDGER)
    sent = [{"batch": number, "times": times} for number, times in sorted(ledger.sent().items())]
    return {"sending": is_sending(home), "sent": sent, "asked": ledger.asked()}


def show_sender(sender: dict[str, Any], terminal: Terminal) -> None:
    """Show a gateway's link beneath its status."""
    if not sender["sending"]:
        terminal.warn("Link: 'enveis transfer send' is not running")
    for item in sender["sent"]:
        terminal.say(f"Link: batch {item['batch']}, sent so far: {item['times']} times")
