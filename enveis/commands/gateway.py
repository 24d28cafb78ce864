"""`enveis gateway`: make a gateway's home, serve the form, check that everything is in place."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import replace
from pathlib import Path

from enveis.command import Command, file_name, home_of
from enveis.commands import gateway_bundle, gateway_keys
from enveis.commands.gateway_bundle import way_back_state
from enveis.terminal import Terminal


def _init_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--recipients", type=file_name, required=True, metavar="FILE", help="recipients.txt of the desk"
    )
    parser.add_argument("--desk-key", type=file_name, required=True, metavar="FILE", help="desk.pub of the desk")
    parser.add_argument(
        "--continues",
        type=file_name,
        metavar="last-head.json",
        help="replace a lost gateway: the file that 'enveis desk head' wrote",
    )
    parser.add_argument("--name", help="who receives the submissions, as the page names them")


def _init(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.errors import GatewayError
    from gateway.home.config import GatewayConfig
    from gateway.home.home import GatewayHome, init_gateway

    home = GatewayHome(home_of(arguments))
    try:
        config = GatewayConfig() if arguments.name is None else replace(GatewayConfig(), name=arguments.name)
    except ValueError as error:
        raise GatewayError(str(error)) from None
    pairing = init_gateway(
        home,
        recipients=arguments.recipients,
        desk_key=arguments.desk_key,
        config=config,
        continues=arguments.continues,
    )
    if terminal.as_json:
        terminal.answer({"gateway": pairing.gateway, "fingerprint": pairing.fingerprint})
        return 0
    terminal.say(
        f"Gateway {pairing.gateway} is ready in {home.root}.",
        f"Its fingerprint words: {terminal.strong(pairing.fingerprint)}",
        f"Next: carry {home.pairing} to the desk, where 'enveis desk pair' shows the same fingerprint words.",
        "It contains a secret of the two machines: destroy the copy on the stick afterwards.",
        f"Then check {home.config}, and start 'enveis gateway serve'.",
    )
    return 0


def _serve_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--listen", type=_address, metavar="ADDRESS:PORT", help="address to listen on; default: as gateway.toml says"
    )


def _address(text: str) -> str:
    from gateway.home.config import parse_listen

    try:
        parse_listen(text)
    except ValueError:
        raise ArgumentTypeError("not an address and port, such as 127.0.0.1:8080 or [::1]:8080") from None
    return text


def _serve(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.home.home import GatewayHome
    from gateway.serve import serve

    def listening(host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        terminal.note(
            f"The form is at http://{shown}:{port}/ (Ctrl-C stops the gateway once its uploads have finished)"
        )

    serve(GatewayHome(home_of(arguments)), listen=arguments.listen, on_listening=listening)
    return 0


def _check(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.hardening import swap_is_active
    from gateway.home.desk_trust import known_generation
    from gateway.home.home import GatewayHome
    from keys.recipient import encode_recipients
    from keys.words import fingerprint_words
    from transfer.names import Lane
    from transfer.spool.spool import Spool

    home = GatewayHome(home_of(arguments))
    material = home.load()
    config = material.config
    spool = Spool(home.spool, quota=config.quota_bytes, reserve=config.reserve_bytes, tick=config.tick_seconds)
    recipients, known = encode_recipients(material.recipients), known_generation(home)
    scanner, is_fit = _scanner_state(config.clamd_socket, wanted=config.inspection)
    rows = [
        ("gateway", material.gateway),
        ("fingerprint of the pairing", home.load_pairing().fingerprint),
        ("recipients", f"{len(material.recipients)} {material.recipients[0].kind}"),
        ("signed by the desk", f"generation {known}" if known else "no: compare the fingerprint words with the desk's"),
        ("fingerprint of the recipients", fingerprint_words(recipients)),
        ("desk key", material.desk_key.key_id.lower()),
        *((f"waiting, {lane}", len(spool.waiting(lane))) for lane in Lane),
        ("scanner", scanner),
        ("way back", way_back_state(home.reply_store, material.gateway, material.desk_key)),
    ]
    cage, withstands = _cage_rows()
    terminal.table(("what", "state"), [*rows, *cage])
    if swap_is_active():
        terminal.warn("Swap is on: what is in memory may reach a disk. Turn it off (swapoff -a).")
    if len(material.recipients) == 1:
        terminal.warn("There is only one recipient: if its identity is lost, so is every packet.")
    if not withstands and config.inspection:
        terminal.warn("The cage in which files are read does not withstand attacks on this machine.")
    if not is_fit:
        terminal.warn("Until the scanner is fit for use, every file counts as undecided and is held.")
    return 0 if is_fit and (withstands or not config.inspection) else 1


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


COMMANDS = (
    Command("init", "make a gateway's home, for one desk", _init, _init_arguments),
    Command("serve", "serve the form and receive submissions", _serve, _serve_arguments),
    Command("check", "check everything that a gateway needs", _check),
    *gateway_keys.COMMANDS,
    *gateway_bundle.COMMANDS,
)
