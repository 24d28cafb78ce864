"""Bundles for tests: made by the code that the desk uses, with as little as a test has to say."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from keys.recipient import KeyKind
from keys.secret import SecretKey
from keys.signing import SigningKey
from transfer.batch.batch import GatewayId
from transfer.bundle.bundle import Bundle, encode_bundle, sign_bundle
from transfer.bundle.contents import BundleList, Counters, Grant, Tombstone, entry_of
from transfer.bundle.reply import Reply, ReplyId, State, seal_reply

GATEWAY = GatewayId("00112233aabbccdd")
TODAY = date(2026, 11, 22)
DESK = SigningKey.from_seed(bytes(range(32)), key_id="0123456789ABCDEF")
SOURCE = SecretKey(KeyKind.CLASSIC, bytes(range(1, 33)))
LOOKUP = "ab" * 16


def reply_id(number: int) -> ReplyId:
    return ReplyId(f"{number:032x}")


def a_reply(number: int, *, lookup: str = LOOKUP, text: str = "We are looking into it.") -> Reply:
    return Reply(reply_id(number), lookup, TODAY, State.IN_WORK, text)


def sealed(number: int, *, lookup: str = LOOKUP) -> bytes:
    return seal_reply(a_reply(number, lookup=lookup), SOURCE.recipient)


def a_bundle(
    serial: int,
    replies: Iterable[tuple[int, str]] = (),
    *,
    key: SigningKey = DESK,
    gateway: str = GATEWAY,
    issued: date = TODAY,
    days: int = 30,
    reply_days: int = 90,
    tombstones: Iterable[int] = (),
    grants: tuple[Grant, ...] = (),
    counters: Counters | None = None,
    bodies: dict[int, bytes] | None = None,
    expiries: dict[int, date] | None = None,
) -> Bundle:
    """A signed bundle with replies (number, lookup); each reply's bytes are made once in `bodies` where given."""
    bodies = {} if bodies is None else bodies
    for number, lookup in replies:
        if number not in bodies:
            bodies[number] = sealed(number, lookup=lookup)
    usual = issued + timedelta(days=reply_days)
    ends = {} if expiries is None else expiries
    chosen = sorted(replies)
    contents = BundleList(
        gateway=GatewayId(gateway),
        serial=serial,
        issued=issued,
        expires=issued + timedelta(days=days),
        counters=counters,
        grants=grants,
        replies=tuple(entry_of(reply_id(n), lookup, bodies[n], ends.get(n, usual)) for n, lookup in chosen),
        tombstones=tuple(Tombstone(reply_id(n), ends.get(n, usual)) for n in sorted(tombstones)),
    )
    return sign_bundle(contents, {reply_id(number): bodies[number] for number, _ in chosen}, key)


def a_file(bundle: Bundle) -> bytes:
    return encode_bundle(bundle)


def altered(bundle: Bundle, **changes: object) -> BundleList:
    return replace(bundle.contents, **changes)  # type: ignore[arg-type]
