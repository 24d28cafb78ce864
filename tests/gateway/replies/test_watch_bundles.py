"""A gateway that runs sees what `accept-bundle` brought, though nobody returns with words."""

import asyncio
import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from gateway.replies.mailboxes import Mailboxes
from gateway.replies.reply_store import ReplyStore
from gateway.return_visit import return_visit
from gateway.station import Station
from tests.builders.bundles import DESK, GATEWAY, TODAY, a_bundle
from transfer.bundle.contents import Counters


async def test_counters_arrive_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(return_visit, "BUNDLES_EVERY", 0.02)
    path = tmp_path / "way-back.sqlite"
    ReplyStore(path).begin()
    mail = Mailboxes(path, gateway=GATEWAY, desk_key=DESK.public, today=lambda: TODAY)
    station = cast(Station, SimpleNamespace(mail=mail))  # nothing else of it is needed here
    watching = asyncio.create_task(return_visit.watch_bundles(station))
    try:
        bundle = a_bundle(1, counters=Counters(100, 20, 30))
        ReplyStore(path).accept(bundle, gateway=GATEWAY, min_serial=None, today=TODAY)
        async with asyncio.timeout(20):
            while mail.counters is None:
                await asyncio.sleep(0.01)
        assert mail.counters == Counters(100, 20, 30)
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
