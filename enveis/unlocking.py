"""How a command of the desk gets the identity: from its file, with a passphrase, or from shares."""

import hashlib
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from enveis.passphrases import add_passphrase_file, passphrase_reader
from enveis.share_entry import add_shares, read_shares, shares_passphrase, wants_shares
from enveis.terminal import Terminal

if TYPE_CHECKING:
    from desk.home import DeskHome
    from keys.identity import Identity


def add_identity(parser: ArgumentParser) -> None:
    """Add the arguments that say where the identity comes from."""
    add_passphrase_file(parser)
    add_shares(parser)


def load_identities(home: "DeskHome", arguments: Namespace, terminal: Terminal) -> "tuple[Identity, ...]":
    """Return the identities that open packets: of the file, or the one that shares join to.

    A joined identity is one whose public half this desk knows; that it was joined is recorded in the desk's log.

    Raises:
        DeskError, KeyMaterialError, RefusedError: There is no identity, or it cannot be opened or joined; one sentence.
    """
    if not wants_shares(arguments):
        return home.load_identities(passphrase_reader(arguments))
    from audit.events import Event
    from desk.custody.generations import known_recipients
    from keys.shares import join_identity

    home.check()
    identity = join_identity(read_shares(arguments, terminal), shares_passphrase(arguments), known_recipients(home))
    digest = hashlib.sha256(str(identity.recipient).encode()).hexdigest()
    home.log().append(Event.KEYS_JOINED, digest=digest)
    return (identity,)
