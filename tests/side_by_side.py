"""`make test`: every test, in two halves side by side, for a machine with two cores.

Each half takes about as long. The second starts servers and waits for them; its output is seen as it comes, that of the
first when both have ended. Ctrl-C ends both.
"""

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent
STATIONS: Final = ("audit", "desk", "disk", "enveis", "gateway", "keys", "quarantine", "transfer")
FIRST: Final = (*STATIONS, "contract", "fuzz", "browser")
SECOND: Final = (
    "diode",
    "system/audit",
    "system/enveis",
    "system/gateway",
    "system/keys",
    "system/quarantine",
    "system/transfer",
)


def main() -> int:
    """Run both; return 0 when nothing failed in either."""
    folders = {str(path.parent.relative_to(TESTS)) for path in TESTS.rglob("test_*.py")}
    forgotten = {
        folder for folder in folders if not any(f"{folder}/".startswith(f"{name}/") for name in (*FIRST, *SECOND))
    }
    if forgotten:
        raise SystemExit(f"tests in no half: {', '.join(sorted(forgotten))}")
    with tempfile.TemporaryFile() as said:
        print(f"tests/{{{','.join(FIRST)}}} run beside these; their output follows.", flush=True)
        halves = [_start(FIRST, stdout=said.fileno()), _start(SECOND, stdout=None)]
        statuses = [_wait(half) for half in reversed(halves)]
        said.seek(0)
        print(flush=True)
        sys.stdout.buffer.write(said.read())
        sys.stdout.flush()
    return max(map(abs, statuses))


def _start(folders: tuple[str, ...], *, stdout: int | None) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        *sys.argv[1:],
        *(f"tests/{name}" for name in folders),
    ]
    return subprocess.Popen(command, cwd=TESTS.parent, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stdout)


def _wait(half: "subprocess.Popen[bytes]") -> int:
    # Ctrl-C reaches the halves too; pytest says then how far it came.
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            return half.wait()


if __name__ == "__main__":
    sys.exit(main())
