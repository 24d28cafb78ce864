"""Every flood that is known, with the attack scripted: honest text is received meanwhile, and memory stays bounded.

`make soak-floods` is the long one, with times. Invariants G3 and G13.
"""

from pathlib import Path

import pytest

from tests.worlds.flood import FLOODS, RSS_MAX, Flood, HonestSource, MemorySampler, attacked
from tests.worlds.gateway_process import GatewayProcess

TEXTS = 3


@pytest.mark.parametrize("flood", [flood for flood in FLOODS if not flood.is_soak_only], ids=str)
def test_honest_text_is_received_and_memory_is_bounded(tmp_path: Path, flood: Flood) -> None:
    with GatewayProcess(tmp_path, wrapper=flood.wrapper) as gateway:
        source = HonestSource(gateway)
        with (
            MemorySampler(gateway.pid) as memory,
            attacked(gateway, flood.attack, flood.count, pause=flood.pause) as attacker,
        ):
            attacker.wait_until_ready()
            report = source.send(TEXTS)
        assert report.answers == []
        assert report.receipts == TEXTS
        assert report.withdrawn == 1
        assert memory.peak < RSS_MAX
        assert attacker.tally.opened >= flood.count
