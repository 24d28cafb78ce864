"""What lies in the inbox: what may be known of a packet without opening it."""

from dataclasses import dataclass
from datetime import date

from audit.clock import is_far_ahead
from desk.arrival.locking import contradictions_in
from desk.errors import DeskError
from desk.home import DeskHome
from transfer.high_side.arrivals import Arrivals, was_begun
from transfer.names import Lane, PacketId
from transfer.packet.manifest import Manifest
from transfer.short_ids import TYPED_MIN, find_id


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """One sealed packet; `size` in bytes is a size bucket, `arrived` the day on which it came here."""

    packet: PacketId
    lane: Lane
    gateway: str
    batch: int
    arrived: date
    size: int


def list_inbox(home: DeskHome) -> tuple[InboxEntry, ...]:
    """Return the packets that are there, by day, gateway, batch and id.

    Raises:
        DeskError: Not a desk's home.
    """
    home.check()
    if not was_begun(home.arrivals):
        return ()
    arrivals = Arrivals(home.arrivals)
    # From the ledger: the time of a file is that of its last copy, as after a home was restored.
    came, entries = arrivals.days_of_arrival(), []
    for stored in arrivals.packets():
        # Erased, moved away, or not here yet; another command may do so at this moment.
        if stored.id in came and home.packet(stored.id).exists():
            day = came[stored.id]
            entries.append(InboxEntry(stored.id, stored.lane, stored.gateway, stored.number, day, stored.size))
    return tuple(sorted(entries, key=lambda entry: (entry.arrived, entry.gateway, entry.batch, entry.packet)))


def find_packet(home: DeskHome, untrusted_name: str) -> InboxEntry:
    """Return the one packet of the inbox whose id begins with `untrusted_name`.

    Raises:
        ShortIdError: None does, or several do: the sentence lists these.
        DeskError: The only one that does is no longer in the inbox.
    """
    entries = {entry.packet: entry for entry in list_inbox(home)}
    name = untrusted_name.strip().lower().removesuffix(".age")
    if len(name) >= TYPED_MIN and not any(packet.startswith(name) for packet in entries) and _came_once(home, name):
        raise DeskError("that packet arrived, but is no longer in the inbox: it was erased here, or moved away")
    absent = "there is no such packet in the inbox ('enveis desk inbox' lists them)"
    return entries[find_id(untrusted_name, entries, absent=absent)]


def _came_once(home: DeskHome, prefix: str) -> bool:
    if not was_begun(home.arrivals):
        return False
    return any(stored.id.startswith(prefix) for stored in Arrivals(home.arrivals).packets())


def contradictions(entry: InboxEntry, manifest: Manifest) -> tuple[str, ...]:
    """Return a sentence for each contradiction in a packet's sealed manifest, or with the signed batch that brought it.

    One gateway may have passed on what another received, or moved a held packet into the clear lane: only the
    sealed manifest was written when the source was here, and neither proves by itself that the other is false.
    """
    found = []
    if manifest.gateway != entry.gateway:
        found.append(f"Its manifest names gateway {manifest.gateway}, but it arrived from gateway {entry.gateway}.")
    if manifest.lane is not entry.lane:
        found.append(f"It was sealed for the lane {manifest.lane}, but arrived in the lane {entry.lane}.")
    if is_far_ahead(manifest.received, entry.arrived):
        found.append(
            f"It says that it was received on {manifest.received}, but arrived here on {entry.arrived}: the gateway's "
            "clock was ahead, and its days do not count."
        )
    return (*found, *contradictions_in(manifest))
