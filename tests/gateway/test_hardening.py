"""What the gateway says about swap, and what its process gave up."""

import subprocess
import sys
from pathlib import Path

from gateway.hardening import swap_is_active

HEAD = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def test_swap_is_seen(tmp_path: Path) -> None:
    swaps = tmp_path / "swaps"
    swaps.write_text(HEAD)
    assert not swap_is_active(swaps)
    swaps.write_text(HEAD + "/dev/sda2 partition 1024 0 -2\n")
    assert swap_is_active(swaps)
    # What cannot be known is said as if it were so.
    assert swap_is_active(tmp_path / "nothing")


def test_a_hardened_process_dumps_no_core_and_gains_nothing() -> None:
    script = (
        "import resource; from gateway.hardening import harden_process; harden_process();"
        "print(resource.getrlimit(resource.RLIMIT_CORE)); print(open('/proc/self/status').read());"
        "import ctypes; print('dumpable', ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "(0, 0)" in said
    assert "NoNewPrivs:\t1" in said
    assert "Umask:\t0077" in said
    assert "dumpable 0" in said
