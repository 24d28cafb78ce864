"""`make soak-floods`: every flood at full length, and a table of what honest sources met with. Status 1 for a fault.

Honest text has to be received, half of it within P50 seconds and 99 of 100 within P99, with RSS_MAX bytes of memory at
most, on two cores that do nothing else. The attacker shares them.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.worlds.flood import FLOODS, RSS_MAX, Flood, HonestSource, MemorySampler, Report, attacked
from tests.worlds.gateway_process import GatewayProcess

P50: Final = 1.0  # seconds
P99: Final = 5.0
PAUSE: Final = 0.2  # seconds between two texts of the honest source
_MIB: Final = 1024 * 1024
_ROW: Final = "{:<28} {:>8} {:>9} {:>9} {:>7} {:>7} {:>9} {:>10}  {}"


def main() -> int:
    """Run all floods, or those that were named; return 1 when one was too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(str(flood) for flood in FLOODS)}")
    parser.add_argument("--seconds", type=float, help="for each, in place of its own length")
    asked = parser.parse_args()
    print(
        _ROW.format("flood", "seconds", "sent", "received", "p50 s", "p99 s", "withdrawn", "peak MiB", ""), flush=True
    )
    faults = 0
    for flood in FLOODS:
        if not asked.names or str(flood) in asked.names:
            faults += _soak(flood, asked.seconds or flood.seconds)
    return 1 if faults else 0


def _soak(flood: Flood, seconds: float) -> int:
    with tempfile.TemporaryDirectory() as folder, GatewayProcess(Path(folder), wrapper=flood.wrapper) as gateway:
        attack = attacked(gateway, flood.attack, flood.count, pause=flood.pause)
        with MemorySampler(gateway.pid) as memory, attack as attacker:
            attacker.wait_until_ready()
            report = HonestSource(gateway, pause=PAUSE).send_for(seconds)
        wrong = _wrong(report, memory.peak)
    row = (str(flood), f"{seconds:.0f}", report.sent, report.receipts, f"{report.median:.2f}")
    print(
        _ROW.format(*row, f"{report.quantile(99):.2f}", report.withdrawn, memory.peak // _MIB, "; ".join(wrong)),
        flush=True,
    )
    for answer in dict.fromkeys(report.answers):
        print(f"    {answer}", flush=True)
    print(f"    {attacker.tally}", flush=True)
    return len(wrong)


def _wrong(report: Report, peak: int) -> list[str]:
    checks = (
        (report.receipts == report.sent > 0, "not all received"),
        (report.median < P50, f"p50 is not under {P50:g} s"),
        (report.quantile(99) < P99, f"p99 is not under {P99:g} s"),
        (peak < RSS_MAX, f"more than {RSS_MAX // _MIB} MiB"),
    )
    return [sentence for is_right, sentence in checks if not is_right]


if __name__ == "__main__":
    sys.exit(main())
