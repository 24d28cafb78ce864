"""The replies, grants and counters of the newest bundle, in memory: asking for them touches no disk.

So a name that exists and one that does not cost the same. Deleting goes through the file at once (`reply_store`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gateway.replies.reply_store import AcceptedBundle, ReplyStore, SealedReply
from keys.signing import VerifyKey
from transfer.bundle.contents import Counters, Grant


@dataclass(frozen=True, slots=True)
class _Contents:
    """One consistent state; replaced as a whole, so that a request in another thread sees all of one."""

    state: bytes
    serial: int
    expires: date | None
    counters: Counters | None
    grants: Mapping[str, Grant]
    replies: Mapping[str, tuple[SealedReply, ...]]


class Mailboxes:
    """What sources may ask for. Several processes may share a home; `reload_if_changed` sees what others did."""

    def __init__(self, path: Path, *, gateway: str, desk_key: VerifyKey, today: Callable[[], date]) -> None:
        """Read everything; `today` gives the UTC day.

        Raises:
            GatewayError: What is there was not signed by this desk, or was altered on the disk.
            transfer.errors.LedgerError: The file cannot be used.
        """
        self._store = ReplyStore(path)
        self._gateway = gateway
        self._desk_key = desk_key
        self._today = today
        self._store.forget_expired(today())
        self._contents = self._load()

    @property
    def serial(self) -> int:
        """The serial of the newest bundle; 0 before the first."""
        return self._contents.serial

    @property
    def expires(self) -> date | None:
        """The last day on which the newest bundle counts as fresh; None before the first."""
        return self._contents.expires

    @property
    def counters(self) -> Counters | None:
        """Numbers for the front page; None where the desk gave none, or gave the last ones too long ago."""
        contents = self._contents
        fresh = contents.expires is not None and contents.expires >= self._today()
        return contents.counters if fresh else None

    def replies(self, lookup: str) -> tuple[SealedReply, ...]:
        """Return the replies under this name that have not expired, by id; none for a name that nobody has."""
        today = self._today()
        return tuple(reply for reply in self._contents.replies.get(lookup, ()) if reply.expires >= today)

    def grant(self, lookup: str) -> Grant | None:
        """Return the larger limits of this name, if the desk granted any that are still valid."""
        grant = self._contents.grants.get(lookup)
        return grant if grant is not None and grant.expires >= self._today() else None

    def widest_grant(self) -> Grant | None:
        """Return a grant of whoever may send most, each limit by itself; None where nobody has one."""
        today = self._today()
        held = [grant for grant in self._contents.grants.values() if grant.expires >= today]
        if not held:
            return None
        return replace(
            held[0],
            files_max=max(grant.files_max for grant in held),
            file_max_bytes=max(grant.file_max_bytes for grant in held),
            tables=any(grant.tables for grant in held),
        )

    def delete(self, *lookups: str) -> None:
        """Delete every reply under these names, for good; durable when it returns. Blocks on the disk.

        For a name without replies it does to the file what it does for any other.

        Raises:
            transfer.errors.LedgerError, OSError: It is not certain that they are gone.
        """
        self._store.delete(*lookups)
        self.reload_if_changed()

    def reload_if_changed(self) -> bool:
        """Take over what another process did (a bundle, a deletion); return whether there was anything. Blocks.

        Raises:
            GatewayError, transfer.errors.LedgerError, OSError: See the constructor; what was known stays.
        """
        # Deletions that found nothing change no state: they must not make everyone read all of the file.
        if self._store.state() == self._contents.state:
            return False
        self._contents = self._load()
        return True

    def _load(self) -> _Contents:
        # The state first: a change while the rest is read is then seen the next time.
        state = self._store.state()
        accepted = self._store.load(self._desk_key, self._gateway)
        return _contents(accepted, state)


def _contents(accepted: AcceptedBundle | None, state: bytes) -> _Contents:
    if accepted is None:
        return _Contents(state, 0, None, None, {}, {})
    replies: defaultdict[str, tuple[SealedReply, ...]] = defaultdict(tuple)
    for reply in accepted.replies:
        replies[reply.lookup] += (reply,)
    contents = accepted.contents
    grants = {grant.lookup: grant for grant in contents.grants}
    return _Contents(state, contents.serial, contents.expires, contents.counters, grants, dict(replies))
