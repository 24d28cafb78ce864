"""A gateway that is killed while it takes a bundle, or deletes, has the old state or the new one, never a part."""

import random
import subprocess
import sys
import time
from pathlib import Path

from gateway.replies.mailboxes import Mailboxes
from gateway.replies.reply_store import ReplyStore
from tests.builders.bundles import DESK, GATEWAY, LOOKUP, TODAY, a_bundle, a_file, reply_id
from transfer.bundle.bundle import open_bundle

OTHER = "cd" * 16
# Takes bundles 2, 3, ... one after the other, and deletes after every one; says what is done.
WORKER = """
import sys
from pathlib import Path
from gateway.replies.reply_store import ReplyStore
from tests.builders.bundles import *
from transfer.bundle.bundle import open_bundle
store = ReplyStore(Path(sys.argv[1]))
for path in sorted(Path(sys.argv[2]).iterdir()):
    bundle = open_bundle(path.read_bytes(), DESK.public)
    if bundle.contents.serial > store.known().serial:
        store.accept(bundle, gateway=GATEWAY, min_serial=None, today=TODAY)
        print("taken", bundle.contents.serial, flush=True)
        store.delete(LOOKUP)
        print("deleted", bundle.contents.serial, flush=True)
"""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    store, bundles = tmp_path / "way-back.sqlite", tmp_path / "bundles"
    bodies: dict[int, bytes] = {}
    bundles.mkdir()
    for serial in range(1, 200):
        # Each brings a reply to delete and one to keep, and all those again that were deleted before.
        replies = [(number, LOOKUP) for number in range(max(2, 2 * serial - 8), 2 * serial + 1, 2)]
        bundle = a_bundle(serial, [*replies, (2 * serial + 1, OTHER)], bodies=bodies)
        (bundles / f"{serial:06d}").write_bytes(a_file(bundle))
    ReplyStore(store).begin()
    dice, done = random.Random(), ["taken 0", "deleted 0"]
    for _ in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, store, bundles], stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            said = [worker.stdout.readline()]
            time.sleep(dice.uniform(0, 0.15))
            worker.kill()
            said += worker.stdout.read().split("\n")
        done += [line.strip() for line in said if line.strip()]
        taken = max(int(line.split()[1]) for line in done if line.startswith("taken"))
        deleted = max(int(line.split()[1]) for line in done if line.startswith("deleted"))
        mailboxes = Mailboxes(store, gateway=GATEWAY, desk_key=DESK.public, today=lambda: TODAY)
        # One act may have been completed without having been said.
        assert mailboxes.serial in (taken, taken + 1)
        assert [reply.id for reply in mailboxes.replies(OTHER)] == [reply_id(2 * mailboxes.serial + 1)]
        shown = [int(reply.id, 16) for reply in mailboxes.replies(LOOKUP)]
        # A deletion takes all that is there. Two kills in a row, each between taking and deleting, leave two replies;
        # so what is shown is the newest of those that came after the last deletion that was reported, without a gap.
        since = [2 * serial for serial in range(deleted + 1, mailboxes.serial + 1)]
        assert shown == since[len(since) - len(shown) :]
        if mailboxes.serial == 199:
            break
    assert mailboxes.serial > 1
    assert open_bundle(next(bundles.iterdir()).read_bytes(), DESK.public)
