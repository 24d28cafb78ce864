"""`enveis desk recipients`, `rekey`, `gateways`, `head` and `distrust`: the desk's keys, and its trust in gateways."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from enveis.accepted_clock import add_accept_clock, check_clock
from enveis.command import Command, confirm, demand_new, file_name, home_of
from enveis.errors import RefusedError, UsageError
from enveis.passphrases import add_passphrase_file, add_weak_passphrase, new_identity_passphrase
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from desk.home import DeskHome
    from keys.generation import Generation


def _recipients_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--new", action="store_true", help="make a new generation: new keys for future packets")
    parser.add_argument("--sign", action="store_true", help="sign recipients.txt as it is")
    parser.add_argument("--kind", choices=["hybrid", "classic"], help="kind of the new keys; default: the current kind")
    parser.add_argument(
        "--backup", type=file_name, metavar="FILE", help="also write a new backup identity to FILE; keep it elsewhere"
    )
    parser.add_argument("--passphrase", action="store_true", help="protect identities that had no passphrase until now")
    add_passphrase_file(parser)
    add_weak_passphrase(parser)
    add_accept_clock(parser)


def _recipients(arguments: Namespace, terminal: Terminal) -> int:
    """List the generations, or make the next one."""
    from desk.custody.generations import sign_again
    from desk.home import DeskHome

    home = DeskHome(home_of(arguments))
    if arguments.new and arguments.sign:
        raise UsageError("--new signs what it makes; leave out --sign")
    if arguments.new or arguments.sign:
        check_clock(home.clock(), arguments)
    if arguments.new:
        return _new_generation(arguments, terminal, home)
    if arguments.sign:
        _say_generation(terminal, home, sign_again(home))
        return 0
    return _list_generations(terminal, home)


def _new_generation(arguments: Namespace, terminal: Terminal, home: "DeskHome") -> int:
    from desk.custody.generations import rotate
    from keys.recipient import KeyKind

    if arguments.backup is not None:
        demand_new(arguments.backup)
    passphrase = _passphrase(arguments, terminal, home)
    made = rotate(
        home,
        kind=KeyKind(arguments.kind) if arguments.kind else None,
        backup=arguments.backup,
        passphrase=passphrase,
        ask_passphrase=lambda: passphrase or "",
    )
    _say_generation(terminal, home, made.generation)
    if made.has_backup:
        terminal.note(f"The new backup identity is in {arguments.backup}: move it off this machine, to another place.")
    else:
        terminal.warn(
            "The new generation has no backup key: if identity.txt is lost, so are its packets (see --backup)."
        )
    if passphrase is None:
        terminal.warn("identity.txt has no passphrase: anyone who copies the file can read every packet.")
    return 0


def _passphrase(arguments: Namespace, terminal: Terminal, home: "DeskHome") -> str | None:
    """Return the passphrase that the identity file has or will get; None when it has no passphrase."""
    from keys.identity import is_sealed

    sealed = home.identity.exists() and is_sealed(home.identity)
    asked = arguments.passphrase or arguments.passphrase_file is not None
    if not (sealed or asked):
        return None
    return new_identity_passphrase(arguments, terminal, is_known=sealed)


def _say_generation(terminal: Terminal, home: "DeskHome", generation: "Generation") -> None:
    from keys.recipient import encode_recipients
    from keys.words import fingerprint_words

    words = fingerprint_words(encode_recipients(generation.recipients))
    if terminal.as_json:
        terminal.answer({"generation": generation.number, "name": generation.name, "fingerprint": words})
        return
    terminal.say(
        f"Generation {generation.number} is signed by the desk's key.",
        f"Fingerprint words: {terminal.strong(words)}",
        f"Next: carry {home.recipients.name} and {home.signature.name} to each gateway, and run there:",
        "  enveis gateway recipients recipients.txt",
        "Until then, gateways seal to the generation that they have; this desk opens both.",
    )


def _list_generations(terminal: Terminal, home: "DeskHome") -> int:
    from desk.custody.generations import current_generation, former_generations
    from keys.recipient import encode_recipients
    from keys.words import fingerprint_words

    current = current_generation(home)
    rows = [
        (
            one.number,
            "current" if one is current else "earlier",
            one.name,
            f"{len(one.recipients)} {one.recipients[0].kind}",
            fingerprint_words(encode_recipients(one.recipients)),
        )
        for one in [current, *former_generations(home)]
    ]
    terminal.table(("generation", "state", "sealed_to", "recipients", "fingerprint words"), rows)
    return 0


def _rekey_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask: the gateways' operators know about it")
    add_accept_clock(parser)


def _rekey(arguments: Namespace, terminal: Terminal) -> int:
    """Make a new signing key for the desk."""
    from desk.custody.desk_key import renew_key
    from desk.home import DeskHome
    from keys.words import fingerprint_words

    home = DeskHome(home_of(arguments))
    home.check()
    check_clock(home.clock(), arguments)
    terminal.note("A gateway trusts the new desk.key only after its operator has accepted desk.pub there.")
    if not confirm("Was desk.key lost, or may somebody else have it? Make a new one?", yes=arguments.yes):
        raise RefusedError("no new key was made; nothing was changed")
    key, generation = renew_key(home)
    words = fingerprint_words(key.raw)
    if terminal.as_json:
        terminal.answer({"key": key.key_id.lower(), "fingerprint": words, "generation": generation.number})
        return 0
    terminal.say(
        f"The desk's key is now {key.key_id.lower()}. Fingerprint words: {terminal.strong(words)}",
        "Next: carry desk.pub, recipients.txt and recipients.txt.minisig to each gateway, and run there:",
        "  enveis gateway desk-key desk.pub",
        "  enveis gateway recipients recipients.txt",
    )
    return 0


def _gateways(arguments: Namespace, terminal: Terminal) -> int:
    """List the gateways, and whether a new key's log continues the old one."""
    from desk.arrival.gateways import list_gateways
    from desk.home import DeskHome
    from transfer.short_ids import shorten_ids

    home = DeskHome(home_of(arguments))
    home.check()
    known = list_gateways(home)
    short = {} if terminal.as_json else shorten_ids(one.pairing.gateway for one in known)
    rows = [
        (
            short.get(one.pairing.gateway, one.pairing.gateway),
            "trusted" if one.trusted else "no longer trusted",
            one.head.seq,
            f"ALARM: {one.succession}" if one.alarm else one.succession or None,
            (one.copy_fault if terminal.as_json else "ALARM") if one.copy_fault else None,
            one.pairing.fingerprint,
        )
        for one in known
    ]
    terminal.table(("gateway", "state", "lines of its log", "succession", "copy", "fingerprint words"), rows)
    for one in known:
        if one.copy_fault:
            terminal.warn(f"ALARM: {one.copy_fault}")
    return 1 if any(one.alarm or one.copy_fault for one in known) else 0


def _head_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("gateway", metavar="GATEWAY", help="its id, or the first digits of it")
    parser.add_argument("--to", type=file_name, required=True, metavar="last-head.json", help="a new file")
    add_accept_clock(parser)


def _head(arguments: Namespace, terminal: Terminal) -> int:
    """Sign the last line of a gateway's log that this desk trusts."""
    from desk.arrival.gateways import find_gateway, state_head
    from desk.home import DeskHome
    from disk.durable import write_all_new
    from transfer.head_statement import encode_statement, sign_statement

    home = DeskHome(home_of(arguments))
    home.check()
    check_clock(home.clock(), arguments)
    signature = arguments.to.with_name(arguments.to.name + ".minisig")
    for path in (arguments.to, signature):
        demand_new(path)
    pairing = find_gateway(home, arguments.gateway)
    key = home.load_signing_key()
    statement = state_head(home, pairing.gateway)
    signed = sign_statement(statement, key).encode()
    write_all_new({signature: signed, arguments.to: encode_statement(statement)})
    if terminal.as_json:
        terminal.answer({"gateway": pairing.gateway, "line": statement.head.seq, "hash": statement.head.hash})
        return 0
    terminal.say(
        f"Gateway {pairing.gateway} is trusted up to line {statement.head.seq} of its log, the last that arrived here.",
        f"Next: carry {arguments.to} and its .minisig to the gateway, and run there:",
        f"  enveis gateway rekey {arguments.to.name}",
        "If the gateway's home is lost, run 'enveis gateway init' with --continues instead.",
    )
    return 0


def _distrust_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("gateway", metavar="GATEWAY", help="its id, or the first digits of it")
    parser.add_argument("--yes", action="store_true", help="do not ask: its last stick was imported")


def _distrust(arguments: Namespace, terminal: Terminal) -> int:
    """Refuse a gateway's batches from now on."""
    from desk.arrival.gateways import distrust, find_gateway
    from desk.home import DeskHome

    home = DeskHome(home_of(arguments))
    home.check()
    pairing = find_gateway(home, arguments.gateway)
    terminal.note(f"Batches of gateway {pairing.gateway} that have not been imported will be refused.")
    if not confirm("Stop trusting it?", yes=arguments.yes):
        raise RefusedError("it is still trusted; nothing was changed")
    changed = distrust(home, pairing.gateway)
    if terminal.as_json:
        terminal.answer({"gateway": pairing.gateway, "changed": changed})
    else:
        terminal.say(f"Gateway {pairing.gateway} {'is no longer' if changed else 'was not'} trusted.")
    return 0


COMMANDS = (
    Command("gateways", "list the gateways that are or were trusted", _gateways),
    Command("distrust", "refuse a gateway's batches from now on", _distrust, _distrust_arguments),
    Command("head", "sign the last line of a gateway's log that this desk trusts", _head, _head_arguments),
    Command("recipients", "list the generations of keys, or make a new one", _recipients, _recipients_arguments),
    Command("rekey", "replace desk.key by a new key", _rekey, _rekey_arguments),
)
