"""`enveis run`: both machines on this one, live, until Ctrl-C; to try Enveis, never for real submissions.

This module starts and stops; `enveis.demo.mover` does the work, and is loaded only once signals are handled.
"""

import ipaddress
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from disk.durable import make_private_folder
from disk.lock import exclusive
from enveis.command import Command
from enveis.demo.stopping import Stopping
from enveis.errors import RefusedError, UsageError
from enveis.terminal import Terminal
from gateway.home.config import parse_listen

FOLDER: Final = Path("run")
LISTEN: Final = "127.0.0.1:8080"


def _run(arguments: Namespace, terminal: Terminal) -> int:
    host, port = _loopback(arguments.listen)
    root = Path(arguments.home or FOLDER).absolute()
    with Stopping() as stopping:
        try:
            from enveis.demo.mover import live

            stopping.interrupt_if_asked()
            make_private_folder(root)
            with exclusive(root / ".lock", busy=f"another 'enveis run' is using {root}"):
                status = live(root, host, port, stopping, terminal, stick=arguments.stick)
        except KeyboardInterrupt:
            status = 0
    terminal.note("Everything has stopped. All files are kept, and the next start uses the same keys.")
    return status


def _loopback(listen: str) -> tuple[str, int]:
    try:
        host, port = parse_listen(listen)
    except ValueError as error:
        raise UsageError(str(error).replace("'listen'", "--listen")) from None
    with_name = {"localhost": "127.0.0.1"}.get(host, host)
    try:
        is_loopback = ipaddress.ip_address(with_name).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        # An identity is always readable here: this process opens packets.
        raise RefusedError(
            f"{host} can be reached from outside, and the identity that opens every packet is readable "
            "on this machine: 'enveis run' listens on loopback only"
        )
    return with_name, port


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        default=LISTEN,
        metavar="ADDRESS:PORT",
        help=f"address to listen on, loopback only; default {LISTEN}",
    )
    parser.add_argument(
        "--stick",
        action="store_true",
        help="carry batches in a folder that stands for a stick, not over a one-way link",
    )


COMMAND = Command("run", "run both machines on this one, until Ctrl-C (default home: run/)", _run, _arguments)
