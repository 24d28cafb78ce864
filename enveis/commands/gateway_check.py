"""`enveis gateway check`: whether the machine, the keys and the editors' texts are as a letterbox needs them.

The exit status is about what protects: a scanner or a cage that fails ends with 1. Texts that are not set, swap and
running as root are warnings, so that a watch over the exit status is not red for weeks before the opening and then
overlooked; `--before-opening` counts them too.
"""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from enveis.command import Command, home_of
from enveis.commands.gateway_bundle import way_back_state
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from gateway.home.config import GatewayConfig
    from gateway.home.home import GatewayHome, GatewayMaterial


def _check_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--before-opening",
        action="store_true",
        help="end with 1 also where a text is not set, swap is on, or this runs as root",
    )


def _check(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home.config import unset_texts
    from gateway.home.home import GatewayHome

    home = GatewayHome(home_of(arguments))
    material = home.load()
    config = material.config
    scanner, is_fit = _scanner_state(config.clamd_socket, wanted=config.inspection)
    cage, withstands = _cage_rows()
    machine, exposed = _machine_rows(clock_is_behind=home.clock().is_behind())
    exposed += _review_warnings(config)
    unset = unset_texts(config)
    # For people, one line each below the table.
    texts = [(f"not set: {key}", instead) for key, instead in unset] if terminal.as_json else []
    terminal.table(("what", "state"), [*_home_rows(home, material), ("scanner", scanner), *machine, *cage, *texts])
    for warning in exposed:
        terminal.warn(warning)
    if len(material.recipients) == 1:
        terminal.warn("There is only one recipient: if its identity is lost, so is every packet.")
    if not withstands and config.inspection:
        terminal.warn("The cage in which files are read does not withstand attacks on this machine.")
    if not is_fit:
        terminal.warn("Until the scanner is fit for use, every file counts as undecided and is held.")
    for key, instead in unset:
        terminal.warn(f"'{key}' is not set: {instead}. Set it in {home.config}.")
    is_safe = is_fit and (withstands or not config.inspection)
    return 0 if is_safe and not (arguments.before_opening and (unset or exposed)) else 1


def _home_rows(home: "GatewayHome", material: "GatewayMaterial") -> list[tuple[str, object]]:
    from gateway.home.desk_trust import known_generation
    from keys.recipient import encode_recipients
    from keys.words import fingerprint_words
    from transfer.names import Lane
    from transfer.spool.spool import Spool

    config = material.config
    spool = Spool(home.spool, quota=config.quota_bytes, reserve=config.reserve_bytes, tick=config.tick_seconds)
    recipients, known = encode_recipients(material.recipients), known_generation(home)
    return [
        ("gateway", material.gateway),
        ("fingerprint of the pairing", home.load_pairing().fingerprint),
        ("recipients", f"{len(material.recipients)} {material.recipients[0].kind}"),
        ("signed by the desk", f"generation {known}" if known else "no: compare the fingerprint words with the desk's"),
        ("fingerprint of the recipients", fingerprint_words(recipients)),
        ("desk key", material.desk_key.key_id.lower()),
        *((f"waiting, {lane}", sum(one.packets for one in spool.counts() if one.folder.lane is lane)) for lane in Lane),
        ("way back", way_back_state(home.reply_store, material.gateway, material.desk_key)),
    ]


def _machine_rows(*, clock_is_behind: bool) -> tuple[list[tuple[str, str]], list[str]]:
    """Return rows about the machine as it is now, and a warning for each that exposes what passes through memory."""
    from gateway.hardening import swap_is_active

    swap, root = swap_is_active(), os.geteuid() == 0
    warnings = []
    if swap:
        warnings.append("Swap is on: what is in memory may reach a disk. Turn it off (swapoff -a).")
    if root:
        warnings.append(
            "This runs as root. If 'gateway serve' does too, a fault in it owns the machine: give it a user of its own."
        )
    if clock_is_behind:
        warnings.append("The clock is before the last day of this gateway's log: set it. Nothing is signed by it.")
    clock = "BEHIND ITS LOG" if clock_is_behind else "not behind its log"
    return [("swap", "ON" if swap else "off"), ("runs as root", "YES" if root else "no"), ("clock", clock)], warnings


def _review_warnings(config: "GatewayConfig") -> list[str]:
    """Return a warning where the texts about the law are younger than their review."""
    from gateway.home.country import Country
    from gateway.law.texts import law_of

    reviewed_on = config.law_review.on
    if not reviewed_on or law_of(Country(config.country)).is_reviewed(reviewed_on):
        return []
    return [
        f"Texts about the law have changed since {reviewed_on} ('law_review.on'): the page says that no lawyer has"
        " reviewed them. Have them read again (docs/law.md)."
    ]


def _cage_rows() -> tuple[list[tuple[str, str]], bool]:
    """Attack the cage from inside; return what came of each attack, and whether all failed."""
    from quarantine.cage.layers import missing_layers
    from quarantine.errors import CageError
    from quarantine.workers.cage_test import prove_cage
    from quarantine.workers.zygote_client import ZygoteClient

    lacking = missing_layers()
    if lacking:
        return [("cage", f"MISSING: this kernel has no {' and no '.join(lacking)}")], False
    try:
        with ZygoteClient() as zygote:
            hello, results = zygote.start(), prove_cage(zygote)
    except CageError as error:
        return [("cage", f"MISSING: {error}")], False
    extra = "with namespaces" if hello.namespaces else "without namespaces (optional)"
    rows = [("cage", f"Landlock ABI {hello.landlock_abi}, seccomp, {extra}")]
    rows += [
        (f"a file cannot {result.sentence}", result.outcome if result.outcome.is_stopped else "IT CAN")
        for result in results
    ]
    return rows, all(result.outcome.is_stopped for result in results)


def _scanner_state(socket: str, *, wanted: bool) -> tuple[str, bool]:
    """How it is with the scanner, and whether that is as the settings want it."""
    import time

    from quarantine.errors import QuarantineError
    from quarantine.scanner.canaries import check_scanner
    from quarantine.scanner.clamd import ClamdScanner

    if not wanted:
        return "off: every file counts as undecided and is held", True
    try:
        check_scanner(ClamdScanner(Path(socket)), deadline=time.monotonic() + 30)
    except QuarantineError as error:
        return f"UNFIT: {error}", False
    return "detects its test files", True


COMMANDS = (Command("check", "check everything that a gateway needs", _check, _check_arguments),)
