"""Replies, grants and bundles, as the desk makes them (BUNDLE.md, section 4).

A bundle is put together, shown, and only then signed: nobody signs what was not listed in clear.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from audit.events import Event
from desk.arrival.case_links import CaseLinks, Claims, LinkedPacket, LinkedRequest
from desk.arrival.gateways import find_gateway
from desk.errors import DeskError
from desk.home import DeskHome
from desk.way_back.reply_store import BookedReply, Counted, Published, ReplyBook
from keys.errors import KeyMaterialError
from keys.recipient import parse_recipient
from transfer.batch.batch import GatewayId
from transfer.bundle.bundle import Bundle, encode_bundle, sign_bundle
from transfer.bundle.contents import BundleList, Counters, Grant, entry_of
from transfer.bundle.reply import DAYS_KEPT, Reply, ReplyId, State, new_reply_id, seal_reply
from transfer.high_side.arrivals import Arrivals, was_begun
from transfer.names import PacketId
from transfer.packet.manifest import PacketPurpose
from transfer.packet.request import Asks

BUNDLE_DAYS: Final = 30  # for which a gateway accepts a bundle, unless the desk sets another number
COUNTERS_EVERY: Final = timedelta(days=7)  # finer steps would reveal when somebody complained


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle that is not signed yet: everything that a person should see before it is."""

    contents: BundleList
    sealed: Mapping[ReplyId, bytes] = field(repr=False)
    new: frozenset[ReplyId]  # replies that no bundle carried before
    published: Published | None  # to be remembered when the counters are new
    buried: int  # replies that sources asked to delete, found by this draft


def reply_to(home: DeskHome, opened: LinkedPacket, *, state: State, text: str, today: date) -> BookedReply:
    """Seal a reply to the receipt of the case that a packet belongs to, and keep it for the next bundle.

    Raises:
        DeskError: Nothing proves to which case the packet belongs, or it has no receipt that can be sealed to.
        transfer.errors.ReplyError: The text is too long, or not plain.
    """
    first = case_of(home, opened)
    try:
        recipient = parse_recipient(first.recipient)
    except KeyMaterialError:
        raise DeskError("the receipt in this packet has no key that a reply could be sealed to") from None
    reply = Reply(new_reply_id(), first.lookup, today, state, text)
    booked = BookedReply(
        id=reply.id,
        packet=first.packet,
        gateway=first.gateway,
        lookup=first.lookup,
        expires=today + timedelta(days=DAYS_KEPT),
        sealed=seal_reply(reply, recipient),
    )
    ReplyBook(home.reply_book).add(booked)
    return booked


def grant_to(
    home: DeskHome, opened: LinkedPacket, *, files_max: int, file_max_bytes: int, expires: date, tables: bool
) -> Grant:
    """Grant larger limits to the source of the case that a packet belongs to, from the next bundle on.

    Raises:
        DeskError: Nothing proves to which case the packet belongs.
    """
    first = case_of(home, opened)
    grant = Grant(first.lookup, files_max, file_max_bytes, expires, tables)
    ReplyBook(home.reply_book).grant(grant, gateway=first.gateway)
    return grant


def case_of(home: DeskHome, opened: LinkedPacket) -> LinkedPacket:
    """Return the first packet of the case that a packet belongs to.

    Raises:
        DeskError: Nothing proves which case it belongs to, or it is not a visit.
    """
    if opened.purpose is PacketPurpose.REQUESTS:
        raise DeskError("this packet only brings requests of sources: nobody is waiting for a reply to it")
    first = CaseLinks(home.visits).first_of(opened)
    if isinstance(first, Claims):
        raise DeskError(
            f"this packet only claims to belong to a case ({first.reason}): reply to the first packet of that case"
        )
    return first


def draft_bundle(
    home: DeskHome, gateway: str, *, also: tuple[str, ...] = (), days: int = BUNDLE_DAYS, today: date
) -> Draft:
    """Put the next bundle for a gateway together, after carrying out what sources asked to have deleted.

    `also` names gateways that this one has replaced: their replies and grants go with it. Of all ids the first digits
    are enough.

    Raises:
        ShortIdError: No gateway, or more than one, has such an id.
        DeskError: The gateway is not trusted here.
    """
    gateway = find_gateway(home, gateway).gateway
    also = tuple(find_gateway(home, one).gateway for one in also)
    if gateway not in home.pairings():
        raise DeskError(f"gateway {gateway} is not trusted here ('enveis desk pair' does that)")
    book, visits = ReplyBook(home.reply_book), CaseLinks(home.visits)
    buried = _bury(home, book, visits)
    names = (gateway, *also)
    replies = sorted((reply for name in names for reply in book.replies(name, today=today)), key=lambda reply: reply.id)
    grants = {grant.lookup: grant for name in names for grant in book.grants(name, today=today)}
    stones = {stone.id: stone for name in names for stone in book.tombstones(name, today=today)}
    published = _counters(home, book, visits, gateway, today)
    contents = BundleList(
        gateway=GatewayId(gateway),
        serial=book.last_serial(gateway) + 1,
        issued=today,
        expires=today + timedelta(days=days),
        counters=None if published is None else published.counters,
        grants=tuple(grants[lookup] for lookup in sorted(grants)),
        replies=tuple(entry_of(reply.id, reply.lookup, reply.sealed, reply.expires) for reply in replies),
        tombstones=tuple(stones[name] for name in sorted(stones)),
    )
    new = frozenset(reply.id for reply in replies if reply.sent is None)
    return Draft(contents, {reply.id: reply.sealed for reply in replies}, new, published, buried)


def publish_bundle(home: DeskHome, draft: Draft, write: Callable[[str, bytes], None]) -> Bundle:
    """Sign a draft, note it, and hand the file's name and content to `write`.

    A serial is used up even when `write` fails: two bundles with one serial would be worse than a gap.

    Raises:
        ClockError: The clock is behind this desk's own log.
        DeskError: Another bundle was made in the meantime, or the desk's key cannot be used.
        transfer.errors.BundleError: It has more in it than fits.
        OSError: It could not be written; nothing needs to be undone.
    """
    contents = draft.contents
    home.clock(lambda: contents.issued).demand()
    bundle = sign_bundle(contents, draft.sealed, home.load_signing_key())
    content = encode_bundle(bundle)
    ReplyBook(home.reply_book).made(
        contents.gateway,
        contents.serial,
        bundle.digest,
        today=contents.issued,
        carried=tuple(entry.id for entry in contents.replies),
        published=draft.published,
    )
    home.log().append(Event.BUNDLE_MADE, gateway=contents.gateway, digest=bundle.digest)
    write(f"enveis-bundle-{contents.gateway}-{contents.serial:06d}.zip", content)
    return bundle


def rounded(number: int) -> int:
    """Return a counter as the world may see it: down to its first two digits, and to whole tens."""
    step = 10
    while number >= 100 * step:
        step *= 10
    return number // step * step


def _bury(home: DeskHome, book: ReplyBook, visits: CaseLinks) -> int:
    """Carry out the requests to delete replies that are signed by their case's key."""
    asked = visits.requests(Asks.DELETE_REPLIES)
    came = Arrivals(home.arrivals).days_of_arrival() if asked else {}
    # What went up after the request was not there when the source asked, and has not been read yet.
    return sum(
        book.bury(first, sent_until=_asked_on(came, request))
        for request in asked
        for first in visits.cases_of(request.note)
    )


def _asked_on(came: Mapping[PacketId, date], request: LinkedRequest) -> date:
    """Return the day of a request: the gateway's, but no later than that on which it came here by our own clock."""
    return min(request.note.received, came.get(request.packet, date.max))


def _counters(home: DeskHome, book: ReplyBook, visits: CaseLinks, gateway: str, today: date) -> Published | None:
    counted, published = book.counted(), book.published(gateway)
    if counted is None:
        return None
    if published is not None and timedelta(0) <= today - published.day < COUNTERS_EVERY:
        return published
    full = replace(counted, received=received_so_far(home, visits) if counted.received is None else counted.received)
    return Published(today, _rounded_counters(full))


def _rounded_counters(counted: Counted) -> Counters:
    return Counters(rounded(counted.received or 0), rounded(counted.bodies), rounded(counted.officials))


def received_so_far(home: DeskHome, visits: CaseLinks) -> int:
    """Return how many packets arrived here, less those that are known to be later visits."""
    if not was_begun(home.arrivals):
        return 0
    later = {row.packet for row in visits.all() if row.purpose is not PacketPurpose.FIRST}
    return sum(1 for stored in Arrivals(home.arrivals).packets() if stored.id not in later)
