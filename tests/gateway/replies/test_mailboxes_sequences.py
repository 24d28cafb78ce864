"""Whatever happens in whatever order: no older state is taken, and no reply that was deleted here comes back.

Invariant G17.
"""

import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Drawn
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.replies.mailboxes import Mailboxes
from gateway.replies.reply_store import ReplyStore
from tests.builders.bundles import DESK, GATEWAY, TODAY, a_bundle, a_file
from transfer.bundle.bundle import Bundle, open_bundle
from transfer.errors import BundleError

LOOKUPS = [f"{number:032x}" for number in range(2)]
BODIES: dict[int, bytes] = {}  # sealing is slow; a reply's bytes do not matter here
NUMBERS = st.integers(0, 3)


def lookup_of(number: int) -> str:
    return LOOKUPS[number % len(LOOKUPS)]


class Sequences(RuleBasedStateMachine):
    """A desk that carries, over time, any replies; a gateway with two processes; a hostile courier; disasters."""

    bundles = Drawn("bundles")  # type: ignore[assignment]  # this name of the base class is Hypothesis' own affair

    def __init__(self) -> None:
        super().__init__()
        # In memory: what a power cut leaves is another test's matter, and this one makes thousands of transactions.
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
        self.day = TODAY
        self.serial = 0  # of the desk's newest bundle
        self.taken = 0  # the highest serial that this installation of the gateway took
        self.deleted: set[int] = set()  # by sources, since the gateway was installed
        self.known_to_desk: dict[int, date] = {}  # tombstones that the desk has learnt of: never carried again
        self.first_carried: dict[int, date] = {}

    @initialize()
    def install(self) -> None:
        self._fresh()
        ReplyStore(self.path).begin()
        self._open()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(target=bundles, numbers=st.sets(NUMBERS), days=st.integers(0, 40), learn=st.booleans())
    def desk_only_makes_a_bundle(self, numbers: set[int], days: int, learn: bool) -> Bundle:
        return self.desk_makes_a_bundle(numbers, days=days, learn=learn)

    def desk_makes_a_bundle(self, numbers: set[int], *, days: int, learn: bool) -> Bundle:
        """The desk may be slow to learn of a deletion, or never learn: it then carries the reply again."""
        if learn:
            self.known_to_desk |= {number: self._expires(number) for number in self.deleted}
        stones = {number for number, expires in self.known_to_desk.items() if expires >= self.day}
        carried = {number for number in numbers - stones if self._expires(number) >= self.day}
        carried -= set(self.known_to_desk)
        self.serial += 1
        return self._bundle(self.serial, carried, stones, days=days)

    @rule(target=bundles, numbers=st.sets(NUMBERS, min_size=1), learn=st.booleans())
    def desk_sends_a_bundle(self, numbers: set[int], learn: bool) -> Bundle:
        """As it mostly goes: what was made arrives at once."""
        return self._sent(numbers, learn=learn)

    @rule(target=bundles)
    @precondition(lambda self: self.deleted)
    def desk_sends_what_was_deleted(self) -> Bundle:
        """As it goes when a request to delete has not come up yet."""
        return self._sent(self.deleted, learn=False)

    @rule(bundle=bundles)
    def accept(self, bundle: Bundle) -> None:
        self._accept(bundle, None)

    @rule(bundle=bundles, low=st.integers(1, 12))
    def accept_with_min_serial(self, bundle: Bundle, low: int) -> None:
        self._accept(bundle, low)

    @rule(bundle=bundles, place=st.integers(0, 2**20))
    def accept_altered(self, bundle: Bundle, place: int) -> None:
        content = bytearray(a_file(bundle))
        content[place % len(content)] ^= 1 + place % 255
        with pytest.raises(BundleError):
            open_bundle(bytes(content), DESK.public)

    @rule(lookup=st.sampled_from(LOOKUPS), second=st.booleans())
    def source_deletes(self, lookup: str, second: bool) -> None:
        shown = {reply.id for reply in self.first.replies(lookup)}
        (self.second if second else self.first).delete(lookup)
        self.deleted |= {int(name, 16) for name in shown}

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.day += timedelta(days=days)

    @rule()
    def restart(self) -> None:
        self._open()

    @rule()
    @precondition(lambda self: self.serial > 0)
    def reinstall(self) -> None:
        """The home is lost but for its keys; the desk has been told of all deletions, and the operator asks it."""
        self.known_to_desk |= {number: self._expires(number) for number in self.deleted}
        self._fresh()
        self._open()
        self.taken = self.serial  # what the operator will give as --min-serial: one above what was ever issued

    @invariant()
    def nothing_that_was_deleted_is_there(self) -> None:
        if not hasattr(self, "first"):
            return
        for mailboxes in (self.first, self.second):
            mailboxes.reload_if_changed()
            shown = {int(reply.id, 16) for lookup in LOOKUPS for reply in mailboxes.replies(lookup)}
            assert not shown & self.deleted
        assert {row.id for lookup in LOOKUPS for row in self.first.replies(lookup)} == {
            row.id for lookup in LOOKUPS for row in self.second.replies(lookup)
        }
        # Nor are its bytes in the file: not in a row, and not in a page that nothing names any more.
        content = self.path.read_bytes()
        for number in self.deleted:
            assert BODIES[number][-1024:] not in content

    def _sent(self, numbers: set[int], *, learn: bool) -> Bundle:
        bundle = self.desk_makes_a_bundle(numbers, days=30, learn=learn)
        self._accept(bundle, None)
        return bundle

    def _accept(self, bundle: Bundle, low: int | None) -> None:
        known = self.store.known()
        if known is None and low is not None:
            low = self.taken + 1  # the operator asked the desk, as the refusal says
        try:
            self.store.accept(bundle, gateway=GATEWAY, min_serial=low, today=self.day)
        except BundleError:
            after = self.store.known()
            assert after == known
            return
        assert known is not None or low is not None
        assert bundle.contents.serial > self.taken
        assert low is None or bundle.contents.serial >= low
        assert bundle.contents.expires >= self.day
        self.taken = bundle.contents.serial
        self.first.reload_if_changed()
        assert self.first.serial == self.taken

    def _bundle(self, serial: int, carried: set[int], stones: set[int], *, days: int) -> Bundle:
        for number in carried:
            self.first_carried.setdefault(number, self.day)
        return a_bundle(
            serial,
            [(number, lookup_of(number)) for number in carried],
            issued=self.day,
            days=days,
            tombstones=stones,
            bodies=BODIES,
            expiries={number: self._expires(number) for number in carried | stones},
        )

    def _expires(self, number: int) -> date:
        """A reply's own last day never changes: ninety days after it was first carried."""
        return self.first_carried.get(number, self.day) + timedelta(days=90)

    def _fresh(self) -> None:
        self.path = Path(tempfile.mkdtemp(dir=self.folder)) / "way-back.sqlite"

    def _open(self) -> None:
        self.store = ReplyStore(self.path)
        self.first, self.second = (
            Mailboxes(self.path, gateway=GATEWAY, desk_key=DESK.public, today=lambda: self.day) for _ in range(2)
        )


TestSequences = Sequences.TestCase
TestSequences.settings = settings(
    max_examples=80, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
