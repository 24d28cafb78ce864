"""The day that a real gateway promises on its pages is the one that its packets carry to the desk.

Invariant G24.
"""

from pathlib import Path
from typing import Any

from babel.dates import format_date

from gateway.home.country import Country
from gateway.home.promise import CLOSED, AnswerPromise, Term
from tests.worlds.gateway_process import GatewayProcess
from transfer.packet.manifest import PacketPurpose

SETTINGS: dict[str, Any] = {
    "feedback_days": 10,
    "feedback_in": "working-days",
    "country": "dk",
    "closed_days": CLOSED[Country.DENMARK],
}
TEN = AnswerPromise(10, Term.WORKING_DAYS, Country.DENMARK, CLOSED[Country.DENMARK])


def test_the_packets_carry_the_day_of_the_pages(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, tick_seconds=6 * 3600, **SETTINGS) as gateway:
        sent = gateway.submit([("message", "a matter")])
        assert sent.words
        hidden = gateway.come_back(sent.words).hidden("words")
        added = gateway.post("/add", [("words", hidden), ("message", "more")])
        carried = {packet.manifest.purpose: packet.manifest for packet in gateway.packets()}
    for purpose, page in ((PacketPurpose.FIRST, sent), (PacketPurpose.ADDITION, added)):
        manifest = carried[purpose]
        assert manifest.promised == TEN.until(manifest.received)
        assert manifest.promised is not None
        assert format_date(manifest.promised, format="long", locale="en_GB") in page.text
