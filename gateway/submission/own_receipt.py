"""The public halves of a receipt that its source made (`enveis receipt new`), as they are pasted: parsed strictly.

They come as the four lines that the command prints, wrapped and indented in whatever way, or as what its QR codes say,
in any order.
"""

import re
from typing import Final

from nacl.bindings import crypto_core_ed25519_is_valid_point

from keys.errors import KeyMaterialError
from keys.receipt import PublicReceipt
from keys.recipient import KeyKind, parse_recipient
from transfer.bundle.qr_frames import MARK, join_frames
from transfer.errors import BundleError

_NAMES: Final = ("lookup", "recipient", "signing", "proof")  # as the command prints them; no value contains one
_LOOKUP: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class OwnReceiptError(Exception):
    """What was pasted is not the public halves of a receipt that this gateway can use."""


def parse_own_receipt(untrusted_text: str, kind: KeyKind) -> PublicReceipt:
    """Return the public halves in `untrusted_text`: four names, each with its value, in any order, or codes of them.

    Raises:
        OwnReceiptError: A name too many or too few, a code that is missing, or a value that is no key of this kind.
    """
    words = untrusted_text.split()
    if words and words[0].upper().startswith(MARK):
        words = _scanned("".join(words)).split()
    halves = dict[str, str]()
    name = ""
    for word in words:
        if word.rstrip(":") in _NAMES:
            name = word.rstrip(":")
            if name in halves:
                raise OwnReceiptError
            halves[name] = ""
        elif not name:
            raise OwnReceiptError
        else:  # the value, or what a terminal or a mail program wrapped of it
            halves[name] += word
    if set(halves) != set(_NAMES):
        raise OwnReceiptError
    receipt = PublicReceipt(**halves)
    _check(receipt, kind)
    return receipt


def _scanned(untrusted_codes: str) -> str:
    frames = [MARK + frame for frame in untrusted_codes.upper().split(MARK) if frame]
    try:
        return join_frames("\n".join(frames)).decode("ascii")
    except (BundleError, UnicodeDecodeError):
        raise OwnReceiptError from None


def _check(receipt: PublicReceipt, kind: KeyKind) -> None:
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
