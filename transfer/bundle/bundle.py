"""What the desk sends to a gateway: sealed replies, grants and counters, signed (BUNDLE.md). Does no input or output.

A bundle is the whole state, never a change: the gateway drops what it does not carry. Nothing in it is parsed
before the desk's signature verifies. Recipients are never part of it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from keys.errors import KeyMaterialError
from keys.signing import SigningKey, VerifyKey, signature_key_id
from transfer.bundle.contents import (
    FORMAT,
    LIST_MEMBER,
    REPLIES_MAX,
    VERSION,
    BundleList,
    ReplyEntry,
    encode_list,
    entry_of,
    parse_list,
)
from transfer.bundle.reply import ReplyId
from transfer.bundle.zip_reader import NotOurZipError, read_zip, write_zip
from transfer.errors import BundleError
from transfer.record import RecordError

BUNDLE_MAX: Final = 16 * 1024 * 1024  # bytes of the file
SIGNATURE_MAX: Final = 4 * 1024  # bytes
SIGNATURE_MEMBER: Final = "bundle.json.minisig"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified list, the very bytes that were signed, and the sealed replies by id."""

    contents: BundleList
    list_bytes: bytes = field(repr=False)
    signature: str = field(repr=False)
    sealed: Mapping[ReplyId, bytes] = field(repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of bundle.json, hexadecimal."""
        return hashlib.sha256(self.list_bytes).hexdigest()


def sign_bundle(contents: BundleList, sealed: Mapping[ReplyId, bytes], key: SigningKey) -> Bundle:
    """Return the bundle, signed.

    Raises:
        BundleError: It has more of something than fits.
    """
    try:
        list_bytes = encode_list(contents)
        parse_list(list_bytes)
    except RecordError as error:
        raise BundleError(f"the bundle cannot be made: {error}") from None
    signature = key.sign(list_bytes, trusted_comment=_comment(contents))
    return Bundle(contents, list_bytes, signature, sealed)


def encode_bundle(bundle: Bundle) -> bytes:
    """Return the file.

    Raises:
        BundleError: It is larger than a gateway takes.
    """
    replies = [(_member(entry.id), bundle.sealed[entry.id]) for entry in bundle.contents.replies]
    content = write_zip(
        [(LIST_MEMBER, bundle.list_bytes), (SIGNATURE_MEMBER, bundle.signature.encode("ascii")), *replies]
    )
    if len(content) > BUNDLE_MAX:
        raise BundleError(f"the bundle would be larger than {BUNDLE_MAX // 2**20} MiB: replies have to expire first")
    return content


def open_bundle(untrusted: bytes, desk_key: VerifyKey) -> Bundle:
    """Return the bundle in a file, after the desk's signature over its list and the digest of each reply were verified.

    Raises:
        BundleError: Not a bundle, signed by somebody else, or altered.
    """
    if len(untrusted) > BUNDLE_MAX:
        raise BundleError(f"the bundle is too large: {BUNDLE_MAX // 2**20} MiB is the most")
    try:
        members = read_zip(untrusted, most=REPLIES_MAX + 2)
    except NotOurZipError:
        raise BundleError("this is not a bundle, or it is cut or damaged") from None
    if [name for name, _ in members[:2]] != [LIST_MEMBER, SIGNATURE_MEMBER]:
        raise BundleError("this is not a bundle: it does not begin with its list and signature")
    (_, list_bytes), (_, signature), *replies = members
    signature_text = _signature_text(signature)
    contents = verify_list(list_bytes, signature_text, desk_key)
    if [name for name, _ in replies] != [_member(entry.id) for entry in contents.replies]:
        raise BundleError("the bundle was altered: its replies are not exactly those that its list names")
    sealed = {entry.id: content for entry, (_, content) in zip(contents.replies, replies, strict=True)}
    for entry in contents.replies:
        verify_reply(entry, sealed[entry.id])
    return Bundle(contents, list_bytes, signature_text, sealed)


def verify_list(untrusted_list: bytes, untrusted_signature: str, desk_key: VerifyKey) -> BundleList:
    """Return the list, after the desk's signature over it was verified; nothing is parsed before that.

    Raises:
        BundleError: Signed by another key, forged, altered, or signed by the desk as something else.

    Invariant G15.
    """
    try:
        if signature_key_id(untrusted_signature) != desk_key.key_id:
            raise BundleError("the bundle is signed by another key than that of this gateway's desk (desk.pub)")
        comment = desk_key.verify(untrusted_list, untrusted_signature)
    except KeyMaterialError:
        raise BundleError("the bundle was altered or forged: the desk's signature does not verify") from None
    try:
        contents = parse_list(untrusted_list)
    except RecordError as error:
        raise BundleError(f"the bundle's list cannot be read: {error}") from None
    # The desk's key may sign other things; the signed comment marks this one as a bundle, and which.
    if comment != _comment(contents):
        raise BundleError("the desk's signature is genuine, but was not made for this bundle")
    return contents


def verify_reply(entry: ReplyEntry, untrusted_sealed: bytes) -> None:
    """Return when these are the bytes of that line of the list.

    Raises:
        BundleError: They are not.
    """
    if entry_of(entry.id, entry.lookup, untrusted_sealed, entry.expires) != entry:
        raise BundleError("the bundle was altered: a reply in it is not the one that its list names")


def _comment(contents: BundleList) -> str:
    return f"{FORMAT} v{VERSION} {contents.gateway} {contents.serial}"


def _member(reply_id: ReplyId) -> str:
    return f"replies/{reply_id}.age"


def _signature_text(untrusted: bytes) -> str:
    try:
        return untrusted[: SIGNATURE_MAX + 1].decode("ascii")
    except UnicodeDecodeError:
        raise BundleError("the bundle was altered or forged: its signature cannot be read") from None
