"""What a gateway takes of the desk's bundles, keeps of them and forgets.

Invariants G16, G17, G18 and G19.
"""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.errors import GatewayError
from gateway.replies.mailboxes import Mailboxes
from gateway.replies.reply_store import ReplyStore
from keys.signing import SigningKey
from tests.builders.bundles import DESK, GATEWAY, LOOKUP, TODAY, a_bundle, reply_id
from transfer.bundle.bundle import Bundle
from transfer.bundle.contents import Counters, Grant
from transfer.errors import BundleError, LedgerError

OTHER = "cd" * 16


class Days:
    """A day that the test sets."""

    def __init__(self) -> None:
        self.now = TODAY

    def __call__(self) -> date:
        return self.now


@pytest.fixture
def today() -> Days:
    return Days()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    ReplyStore(tmp_path / "way-back.sqlite").begin()
    return tmp_path / "way-back.sqlite"


def take(path: Path, bundle: Bundle, *, low: int | None = None, day: date = TODAY, gateway: str = GATEWAY) -> None:
    ReplyStore(path).accept(bundle, gateway=gateway, min_serial=low, today=day)


def opened(path: Path, today: Callable[[], date]) -> Mailboxes:
    return Mailboxes(path, gateway=GATEWAY, desk_key=DESK.public, today=today)


def system_calls(target: Path, script: str, *arguments: str) -> list[str]:
    strace = ["strace", "-f", "-y", "-o", str(target)]
    subprocess.run([*strace, sys.executable, "-c", script, *arguments], check=True)
    return target.read_text(errors="replace").splitlines()


def ids(mailboxes: Mailboxes, lookup: str = LOOKUP) -> list[str]:
    return [reply.id for reply in mailboxes.replies(lookup)]


def test_a_new_gateway_has_nothing_and_takes_the_first(path: Path, today: Days) -> None:
    mailboxes = opened(path, today)
    assert (ids(mailboxes), mailboxes.grant(LOOKUP), mailboxes.counters, mailboxes.serial) == ([], None, None, 0)
    grant = Grant(LOOKUP, 50, 2**30, TODAY + timedelta(days=3))
    counters = Counters(100, 20, 30)
    take(path, a_bundle(1, [(1, LOOKUP), (2, LOOKUP), (3, OTHER)], grants=(grant,), counters=counters))
    assert mailboxes.reload_if_changed()
    assert not mailboxes.reload_if_changed()
    assert ids(mailboxes) == [reply_id(1), reply_id(2)]
    assert ids(mailboxes, OTHER) == [reply_id(3)]
    assert (mailboxes.grant(LOOKUP), mailboxes.grant(OTHER), mailboxes.counters) == (grant, None, counters)
    assert mailboxes.expires == TODAY + timedelta(days=30)


def test_a_bundle_is_the_whole_state(path: Path, today: Days) -> None:
    take(path, a_bundle(1, [(1, LOOKUP)], counters=Counters(1, 2, 3)))
    take(path, a_bundle(2, [(2, LOOKUP)]))
    mailboxes = opened(path, today)
    assert (ids(mailboxes), mailboxes.counters) == ([reply_id(2)], None)


@pytest.mark.parametrize(
    ("bundle", "low", "day", "said"),
    [
        (a_bundle(5), None, TODAY, "this bundle, with serial 5, was already accepted"),
        (a_bundle(5, [(9, LOOKUP)]), None, TODAY, "another bundle with serial 5 was already accepted: tell the desk"),
        (a_bundle(4), None, TODAY, "has serial 4, older than 5"),
        (a_bundle(6), 7, TODAY, "has serial 6, older than the 7 that was asked for"),
        (a_bundle(4), 3, TODAY, "older than 5"),
        (a_bundle(6, gateway="ffeeddccbbaa0099"), None, TODAY, "is for gateway ffeeddccbbaa0099"),
        (a_bundle(6), None, TODAY + timedelta(days=31), "expired on 2026-12-22: ask the desk"),
        (a_bundle(6, issued=TODAY + timedelta(days=3)), None, TODAY, "compare the two machines' clocks"),
    ],
)
def test_what_may_not_be_taken_is_refused_in_a_sentence(
    path: Path, today: Days, bundle: Bundle, low: int | None, day: date, said: str
) -> None:
    take(path, a_bundle(5))
    before = path.read_bytes()
    with pytest.raises(BundleError, match=re.escape(said)):
        take(path, bundle, low=low, day=day)
    assert path.read_bytes() == before
    assert opened(path, today).serial == 5


def test_a_reinstalled_gateway_asks_for_the_serial(tmp_path: Path, today: Days) -> None:
    path = tmp_path / "way-back.sqlite"
    with pytest.raises(BundleError, match="--min-serial"):
        take(path, a_bundle(5))
    with pytest.raises(BundleError, match="older than the 6"):
        take(path, a_bundle(5), low=6)
    take(path, a_bundle(6), low=6)
    take(path, a_bundle(7))
    assert opened(path, today).serial == 7


def test_a_process_that_slept_through_everything_sees_what_is_there(path: Path, today: Days) -> None:
    take(path, a_bundle(1, [(1, LOOKUP)]))
    mailboxes = opened(path, today)
    ReplyStore(path).forget()
    ReplyStore(path).begin()
    take(path, a_bundle(1, [(2, LOOKUP)]))
    assert mailboxes.reload_if_changed()
    assert ids(mailboxes) == [reply_id(2)]
    ReplyStore(path).forget()
    assert mailboxes.reload_if_changed()
    assert (ids(mailboxes), mailboxes.serial) == ([], 0)


def test_what_expired_is_not_shown_and_not_kept(path: Path, today: Days) -> None:
    grant = Grant(LOOKUP, 50, 2**30, TODAY + timedelta(days=3))
    take(path, a_bundle(1, [(1, LOOKUP)], grants=(grant,), counters=Counters(1, 2, 3)))
    mailboxes = opened(path, today)
    content = mailboxes.replies(LOOKUP)[0].sealed[-500:]
    today.now += timedelta(days=3)
    assert mailboxes.grant(LOOKUP) == grant
    today.now += timedelta(days=1)
    assert mailboxes.grant(LOOKUP) is None
    today.now = TODAY + timedelta(days=31)
    assert mailboxes.counters is None
    today.now = TODAY + timedelta(days=90)
    assert ids(mailboxes) == [reply_id(1)]
    today.now += timedelta(days=1)
    assert ids(mailboxes) == []
    assert content in path.read_bytes()
    assert ids(opened(path, today)) == []
    assert content not in path.read_bytes()


def test_deleting_is_for_good_and_for_this_name_only(path: Path, today: Days) -> None:
    replies = [(1, LOOKUP), (2, LOOKUP), (3, OTHER)]
    bodies: dict[int, bytes] = {}
    take(path, a_bundle(1, replies, bodies=bodies))
    mailboxes, neighbour = opened(path, today), opened(path, today)
    mailboxes.delete(LOOKUP)
    assert (ids(mailboxes), ids(mailboxes, OTHER)) == ([], [reply_id(3)])
    assert neighbour.reload_if_changed()
    assert (ids(neighbour), ids(neighbour, OTHER)) == ([], [reply_id(3)])
    assert bodies[1][-500:] not in path.read_bytes()
    take(path, a_bundle(2, [*replies, (4, LOOKUP)], bodies=bodies))
    assert ids(opened(path, today)) == [reply_id(4)]


def test_a_reply_stays_deleted_also_when_the_desk_forgets_that_it_knew(path: Path, today: Days) -> None:
    """A desk that is restored from a backup sends again what its source deleted, though it had learnt of that."""
    bodies: dict[int, bytes] = {}
    take(path, a_bundle(1, [(1, LOOKUP), (2, LOOKUP)], bodies=bodies))
    opened(path, today).delete(LOOKUP)
    take(path, a_bundle(2, tombstones=[1, 2]))
    take(path, a_bundle(3, [(1, LOOKUP)], tombstones=[2], bodies=bodies))
    assert ids(opened(path, today)) == []
    # What the desk itself says is deleted stays so too.
    take(path, a_bundle(4, [(3, LOOKUP)], bodies=bodies))
    take(path, a_bundle(5, tombstones=[3]))
    take(path, a_bundle(6, [(2, LOOKUP), (3, LOOKUP), (4, LOOKUP)], bodies=bodies))
    assert ids(opened(path, today)) == [reply_id(4)]


def test_deleting_nothing_is_the_same_to_the_file_as_asking_for_a_stranger(path: Path, tmp_path: Path) -> None:
    """The system calls for a name without replies and for one that nobody was ever given, in their order."""
    grant = Grant(LOOKUP, 50, 2**30, TODAY + timedelta(days=3))
    take(path, a_bundle(1, [(3, OTHER)], grants=(grant,)))
    script = (
        "import sys; from pathlib import Path; from tests.builders.bundles import *\n"
        "from gateway.replies.mailboxes import Mailboxes\n"
        "boxes = Mailboxes(Path(sys.argv[1]), gateway=GATEWAY, desk_key=DESK.public, today=lambda: TODAY)\n"
        "Path('/begin').exists(); boxes.replies(sys.argv[2]); boxes.delete(sys.argv[2]); Path('/end').exists()"
    )
    seen = []
    for lookup in (LOOKUP, "ef" * 16, OTHER):
        calls = system_calls(tmp_path / lookup, script, str(path), lookup)
        text = "\n".join(calls).partition("/begin")[2].partition("/end")[0]
        seen.append(re.findall(r"^(?:\d+ +)?(\w+)\(", text, re.MULTILINE))
    assert len(seen[0]) > 10
    assert "fdatasync" in seen[0] or "fsync" in seen[0]
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def test_a_deletion_survives_a_power_cut(path: Path, tmp_path: Path) -> None:
    """After the journal's name is gone, its folder is synced: otherwise the journal may come back and undo it."""
    take(path, a_bundle(1, [(3, OTHER)]))
    script = (
        "import sys; from pathlib import Path; from gateway.replies.reply_store import ReplyStore\n"
        "ReplyStore(Path(sys.argv[1]))"
        f".delete({OTHER!r})"
    )
    calls = system_calls(tmp_path / "trace", script, str(path))
    unlinked = [place for place, line in enumerate(calls) if "unlink(" in line and "-journal" in line]
    assert unlinked
    assert any(re.search(r"f(data)?sync\(", line) for line in calls[unlinked[-1] :])


@pytest.mark.parametrize("statement", [
    "UPDATE reply SET sealed = zeroblob(length(sealed))",
    "UPDATE reply SET id = '" + "9" * 32 + "'",
    "UPDATE taken SET list = CAST(replace(list, '\"serial\": 1', '\"serial\": 2') AS BLOB)",
    "UPDATE taken SET signature = 'x'",
])  # fmt: skip
def test_what_was_altered_on_the_disk_is_not_believed(path: Path, today: Days, statement: str) -> None:
    take(path, a_bundle(1, [(1, LOOKUP)]))
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()
    with pytest.raises(GatewayError, match="--min-serial"):
        opened(path, today)


def test_another_desk_is_not_believed(path: Path, today: Days) -> None:
    take(path, a_bundle(1, [(1, LOOKUP)]))
    with pytest.raises(GatewayError, match="cannot be used"):
        Mailboxes(path, gateway=GATEWAY, desk_key=SigningKey.generate().public, today=today)
    with pytest.raises(GatewayError, match="another gateway"):
        Mailboxes(path, gateway="99" * 8, desk_key=DESK.public, today=today)


def test_nobody_else_may_read_the_file(path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0


STRANGER = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None).execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError:
    sys.exit("locked")
"""


def test_who_looks_takes_no_lock_away_from_who_writes(path: Path, today: Days) -> None:
    """A closed descriptor lets go of every lock that its process has on a file: bundle and deletion would mix."""
    mailboxes = opened(path, today)
    take(path, a_bundle(1))
    with sqlite3.connect(path, isolation_level=None) as writing:
        writing.execute("BEGIN IMMEDIATE")
        mailboxes.reload_if_changed()
        opened_beside = ReplyStore(path)
        assert opened_beside.known() is not None
        other = subprocess.run([sys.executable, "-c", STRANGER, str(path)], capture_output=True, text=True, check=False)
    assert other.stderr.strip() == "locked"


def test_a_link_is_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "elsewhere.sqlite")
    with pytest.raises(LedgerError, match="symbolic link"):
        ReplyStore(tmp_path / "link.sqlite")
    assert not (tmp_path / "elsewhere.sqlite").exists()


def test_a_file_that_was_moved_away_under_a_gateway_is_not_made_anew(tmp_path: Path, today: Days) -> None:
    path = tmp_path / "a name? with #signs%20.sqlite"
    ReplyStore(path).begin()
    take(path, a_bundle(1))
    mailboxes = opened(path, today)
    path.rename(tmp_path / "away")
    with pytest.raises(LedgerError):
        mailboxes.reload_if_changed()
    assert [entry.name for entry in tmp_path.iterdir()] == ["away"]
    assert mailboxes.serial == 1
    take(path, a_bundle(3), low=3)
    assert mailboxes.reload_if_changed()
    assert mailboxes.serial == 3
