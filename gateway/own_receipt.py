"""A receipt that its source made without us: the public halves, pasted from `enveis receipt new`, read strictly."""

import re
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point

from keys.errors import KeyMaterialError
from keys.receipt import PublicReceipt
from keys.recipient import Kind, parse_recipient

_LINES: Final = ("lookup", "recipient", "signing", "proof")  # as the command prints them
_LOOKUP: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class OwnReceiptError(Exception):
    """What was pasted is not the public halves of a receipt that this gateway can use."""


def parse_own_receipt(untrusted_text: str, kind: Kind) -> PublicReceipt:
    """Return the public halves in `untrusted_text`: four lines, each a name and its value, in any order.

    Raises:
        OwnReceiptError: A line too many or too few, or a value that is no key of this kind.
    """
    halves = dict[str, str]()
    for line in untrusted_text.splitlines():
        match line.split():
            case []:
                continue
            case [name, value] if name.rstrip(":") in _LINES and name.rstrip(":") not in halves:
                halves[name.rstrip(":")] = value
            case _:
                raise OwnReceiptError
    if set(halves) != set(_LINES):
        raise OwnReceiptError
    receipt = PublicReceipt(**halves)
    _check(receipt, kind)
    return receipt


def _check(receipt: PublicReceipt, kind: Kind) -> None:
    try:
        recipient = parse_recipient(receipt.recipient)
    except KeyMaterialError:
        raise OwnReceiptError from None
    # In the one form that is written: two spellings of a key would be two receipts.
    if recipient.kind is not kind or str(recipient) != receipt.recipient or not _LOOKUP.fullmatch(receipt.lookup):
        raise OwnReceiptError
    keys = (receipt.signing, receipt.proof)
    if receipt.signing == receipt.proof or not all(_PUBLIC.fullmatch(key) for key in keys):
        raise OwnReceiptError
    # Anybody can make signatures that fit a key of low order.
    if not all(crypto_core_ed25519_is_valid_point(bytes.fromhex(key)) for key in keys):
        raise OwnReceiptError
