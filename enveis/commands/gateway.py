"""`enveis gateway`: make a gateway's home, serve the form."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Final

from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, file_name, home_of
from enveis.commands import gateway_bundle, gateway_check, gateway_keys
from enveis.terminal import Terminal

# As gateway.home.country and gateway.home.profiles have them, which --help does not load; a test compares.
COUNTRIES: Final = ("no", "dk")
PROFILES: Final = ("journalists", "company", "public-body", "police", "ombudsman")


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
    parser.add_argument("--name", default="", help="who receives the submissions, as the page names them")
    parser.add_argument(
        "--country",
        choices=COUNTRIES,
        default=COUNTRIES[0],
        help="whose public bodies, law and holidays the pages speak of; default: %(default)s",
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default=PROFILES[0],
        help="kind of office: how soon an answer is promised, and what a withdrawal does; default: %(default)s",
    )
    add_accept_clock(parser)


def _init(arguments: Namespace, terminal: Terminal) -> int:
    from gateway.errors import GatewayError
    from gateway.home.country import Country
    from gateway.home.home import GatewayHome, init_gateway
    from gateway.home.profiles import Profile, new_config

    home = GatewayHome(home_of(arguments))
    check_clock(home.clock(), arguments)
    try:
        config = new_config(name=arguments.name, country=Country(arguments.country), profile=Profile(arguments.profile))
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
    from audit.operational_log import aside
    from gateway.home.home import GatewayHome
    from gateway.serve import serve

    with aside() as notes:

        def listening(host: str, port: int) -> None:
            shown = f"[{host}]" if ":" in host else host
            Terminal(err=notes, as_json=terminal.as_json).note(
                f"The form is at http://{shown}:{port}/ (Ctrl-C stops the gateway once its uploads have finished)"
            )

        serve(GatewayHome(home_of(arguments)), listen=arguments.listen, on_listening=listening)
    return 0


COMMANDS = (
    Command("init", "make a gateway's home, for one desk", _init, _init_arguments),
    Command("serve", "serve the form and receive submissions", _serve, _serve_arguments),
    *gateway_check.COMMANDS,
    *gateway_keys.COMMANDS,
    *gateway_bundle.COMMANDS,
)
