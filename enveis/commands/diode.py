"""`enveis transfer send | receive | resend`: batches over a one-way link."""

import contextlib
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, home_of
from enveis.errors import RefusedError
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from audit.operational_log import LogForm
    from gateway.home.home import GatewayHome
    from transfer.diode.ending import Ending
    from transfer.diode.receiver.commit_process import Committed
    from transfer.diode.receiver.processes import Role
    from transfer.diode.receiver.shelf import Shelf
    from transfer.diode.sender.heartbeats import SendProgress
    from transfer.diode.settings import LinkSettings, ReceiverSettings, SenderSettings

LINK_SETTINGS: Final = "link.toml"
LINK_LEDGER: Final = "link.sqlite"
LINK_LOCK: Final = "link.lock"
LINK_FOLDER: Final = "link"


def shelf_of(root: Path) -> "Shelf":
    """Return the folders of the receiver of the desk at `root`."""
    from transfer.diode.receiver.shelf import Shelf

    return Shelf(root / LINK_FOLDER)


def sender_settings(root: Path) -> "SenderSettings":
    """Read the low side's `link.toml`."""
    from disk.settings import read_settings
    from transfer.diode.settings import SenderSettings

    _demand(root)
    return read_settings(root / LINK_SETTINGS, SenderSettings)


def receiver_settings(root: Path) -> "ReceiverSettings":
    """Read the high side's `link.toml`."""
    from disk.settings import read_settings
    from transfer.diode.settings import ReceiverSettings

    _demand(root)
    return read_settings(root / LINK_SETTINGS, ReceiverSettings)


def write_settings(root: Path, settings: "LinkSettings") -> Path:
    """Write a new `link.toml`, with every setting and its purpose."""
    from disk.durable import write_new
    from transfer.diode.settings import encode_link_settings

    path = root / LINK_SETTINGS
    write_new(path, [encode_link_settings(settings).encode()])
    return path


def _demand(root: Path) -> None:
    if not (root / LINK_SETTINGS).exists():
        raise RefusedError(f"{root / LINK_SETTINGS} is missing: run the same command with --write-settings first")


def _settings_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--write-settings", action="store_true", help=f"only write {LINK_SETTINGS}, with the purpose of each setting"
    )


def _send(arguments: Namespace, terminal: Terminal) -> int:
    from disk.lock import BusyError, exclusive
    from gateway.home.home import GatewayHome
    from transfer.diode.ending import Ending
    from transfer.diode.settings import SenderSettings

    home = GatewayHome(home_of(arguments))
    home.load_config()
    if arguments.write_settings:
        terminal.say(f"Written: {write_settings(home.root, SenderSettings())}. Read it, and set at least 'to'.")
        return 0
    settings = sender_settings(home.root)
    check_clock(home.clock(), arguments)
    try:
        with exclusive(home.root / LINK_LOCK), Ending() as ending:
            _run_sender(home, settings, terminal, ending)
    except BusyError:
        raise RefusedError(f"another 'enveis transfer send' already works with {home.root}") from None
    return 0


def _run_sender(home: "GatewayHome", settings: "SenderSettings", terminal: Terminal, ending: "Ending") -> None:
    from audit.operational_log import LogEvent, LogForm, aside, choose_form, log
    from enveis.wiring import low_side
    from transfer.diode.sender.link_ledger import LinkLedger
    from transfer.diode.sender.sender import Sender
    from transfer.diode.wire.datagram import LinkKey

    form = LogForm(settings.log_form)
    choose_form(form)
    with (
        aside() as notes,
        Sender(
            low_side(home),
            LinkLedger(home.root / LINK_LEDGER),
            LinkKey(home.load_pairing().link_key),
            settings,
            should_continue=ending.should_continue,
            on_progress=_Watch(Terminal(err=notes, as_json=terminal.as_json), form).show,
        ) as sender,
    ):
        log(LogEvent.LINK_SENDING, address=settings.to, rate=settings.rate_bytes)
        sender.run()


class _Watch:
    """Logs each transmission when it has ended; where people read the lines, a bar shows how far it is."""

    def __init__(self, terminal: Terminal, form: "LogForm") -> None:
        self._terminal, self._form = terminal, form
        self._label = ""
        self._is_away = False
        self._bar = contextlib.ExitStack()

    def show(self, progress: "SendProgress") -> None:
        self._draw(progress)
        if progress.is_end:
            self._bar.close()
            self._label = ""
            self._log(progress)

    def _draw(self, progress: "SendProgress") -> None:
        from audit.operational_log import LogForm

        header = progress.header
        label = f"batch {header.number}, transmission {progress.transmission}"
        if self._form is LogForm.JSON:  # a bar is no JSON
            return
        if label != self._label:
            self._label = label
            self._draw_bar = self._bar.enter_context(self._terminal.progress(label))
        done = progress.block * header.geometry.block_symbols * header.geometry.symbol
        self._draw_bar(min(done, header.geometry.size), header.geometry.size)

    def _log(self, progress: "SendProgress") -> None:
        from audit.operational_log import LogEvent, log

        number, size = progress.header.number, progress.header.geometry.size
        if progress.counts:
            self._is_away = False
            event = LogEvent.BATCH_SENT if progress.transmission <= progress.passes else LogEvent.BATCH_SENT_AGAIN
            log(event, batch=number, size=size, transmission=progress.transmission, passes=progress.passes)
        elif not self._is_away:  # once, until something leaves again
            self._is_away = True
            log(LogEvent.BATCH_NOT_SENT, batch=number, unsent=progress.unsent)
        for packet in sorted(progress.unreadable):
            log(LogEvent.PACKET_UNREADABLE, batch=number, packet=packet)


def _send_arguments(parser: ArgumentParser) -> None:
    _settings_argument(parser)
    add_accept_clock(parser)


def _receive_arguments(parser: ArgumentParser) -> None:
    _settings_argument(parser)
    parser.add_argument(
        "--role",
        choices=["network", "decode", "commit"],
        help="run only this one of the three processes, as a user of its own (default: all three)",
    )


def _receive(arguments: Namespace, terminal: Terminal) -> int:
    from transfer.diode.receiver.processes import Role
    from transfer.diode.settings import ReceiverSettings

    root = home_of(arguments)
    if not (root / "desk.toml").exists():
        raise RefusedError(f"{root} is not a desk's home: make one with 'enveis desk init'")
    if arguments.write_settings:
        terminal.say(f"Written: {write_settings(root, ReceiverSettings())}. Read it, and set at least 'listen'.")
        return 0
    if arguments.role:
        _run_role(Role(arguments.role), root)
    else:
        _run_all(root)
    return 0


def _run_all(root: Path) -> None:
    from audit.operational_log import LogEvent, LogForm, aside, choose_form, log
    from transfer.diode.ending import Ending
    from transfer.diode.receiver.network_process import open_socket, read_links
    from transfer.diode.receiver.processes import Role, keep_running

    settings = receiver_settings(root)
    choose_form(LogForm(settings.log_form))
    links = read_links(root / "gateways")
    # What cannot work is reported once, here, and not by a process that is started again and again.
    open_socket(settings).close()
    command = [sys.executable, "-m", "enveis", "--home", str(root), "transfer", "receive", "--role"]
    with aside(), Ending() as ending:
        log(LogEvent.LINK_LISTENING, address=settings.listen, count=len(links))
        keep_running({role: [*command, str(role)] for role in Role}, ending.should_continue)


def _run_role(role: "Role", root: Path) -> None:
    from audit.operational_log import aside, choose_form
    from transfer.diode.ending import Ending
    from transfer.diode.receiver.processes import Role, run_commit, run_decode, taken

    shelf = shelf_of(root)
    choose_form(_log_form(root))
    with aside(), taken(shelf, role), Ending() as ending:
        if role is Role.NETWORK:
            from transfer.diode.receiver.network_process import read_links, run_network

            links = read_links(root / "gateways")
            run_network(
                shelf, links, receiver_settings(root), should_continue=ending.should_continue, ready=lambda: None
            )
        elif role is Role.DECODE:
            run_decode(shelf, ending.should_continue)
        else:
            from transfer.diode.receiver.network_process import read_links

            trusted = {link.gateway: link.key for link in read_links(root / "gateways")}
            run_commit(shelf, trusted, ending.should_continue, _log_committed)


def _log_form(root: Path) -> "LogForm":
    """Return the form of log lines; the default where this role's own user may not read `link.toml`."""
    from audit.operational_log import LogForm
    from disk.settings import SettingsError
    from transfer.diode.settings import ReceiverSettings

    try:
        return LogForm(receiver_settings(root).log_form)
    except (SettingsError, RefusedError):
        return LogForm(ReceiverSettings.log_form)


def _log_committed(done: "Committed") -> None:
    from audit.operational_log import LogEvent, log

    log(LogEvent.BATCH_ARRIVED, batch=done.number, gateway=done.gateway, packets=done.packets)
    if done.absent:
        log(LogEvent.PACKETS_ABSENT, batch=done.number, count=done.absent)


def _resend_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("numbers", nargs="+", metavar="NUMBERS", help="batches, such as: 1042 1050-1052")


def _resend(arguments: Namespace, terminal: Terminal) -> int:
    from enveis.wiring import low_side
    from gateway.home.home import GatewayHome
    from transfer.diode.receiver.report import encode_numbers, parse_numbers
    from transfer.diode.sender.link_ledger import LinkLedger

    home = GatewayHome(home_of(arguments))
    numbers = parse_numbers(arguments.numbers)
    outstanding = {batch.number for batch in low_side(home).outbox.outstanding()}
    gone = [number for number in numbers if number not in outstanding]
    if gone:
        raise RefusedError(
            f"batches {encode_numbers(gone)} do not wait for acknowledgement words, so they cannot be sent again; "
            "nothing was done"
        )
    LinkLedger(home.root / LINK_LEDGER).ask(numbers)
    if terminal.as_json:
        terminal.answer({"asked": numbers})
    else:
        when = "now" if is_sending(home) else "as soon as 'enveis transfer send' runs"
        terminal.say(f"To be sent again {when}: batches {encode_numbers(numbers)}.")
    return 0


def is_sending(home: "GatewayHome") -> bool:
    """Return whether a sender works with this home."""
    from disk.lock import BusyError, exclusive

    try:
        with exclusive(home.root / LINK_LOCK):
            return False
    except BusyError:
        return True


COMMANDS = (
    Command("send", "low side: send batches over a one-way link, until Ctrl-C", _send, _send_arguments),
    Command("receive", "desk: receive batches from a one-way link, until Ctrl-C", _receive, _receive_arguments),
    Command("resend", "low side: send batches over the link again", _resend, _resend_arguments),
)
