"""What a stranger's JSON costs the commands that read it, each in a process of its own. Invariant D8."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.home.home import GatewayHome
from tests.worlds.spooled import lies_at
from tests.worlds.two_homes import TwoHomes
from transfer.batch.acknowledgement import ANSWER_FILE_MAX
from transfer.packet.manifest import parse_manifest
from transfer.packet.message import MESSAGE_MAX
from transfer.packet.writer import PacketWriter

MEMORY_MAX = 256 * 1024  # KiB resident at most; FORMAT.md 6.5


@pytest.fixture
def homes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> TwoHomes:
    return TwoHomes(tmp_path, capsys, "--classic")


# Not ru_maxrss: that of a child begins with its parent's (getrusage(2)).
CHILD = """
import sys
from pathlib import Path
from enveis.main import main
status = main(sys.argv[1:])
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
sys.exit(status)
"""


def run(*arguments: object) -> tuple[int, int, str]:
    """Return exit status, KiB resident at most, and what was said."""
    command = [sys.executable, "-c", CHILD, *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, int(done.stdout.split()[-1]), done.stderr


def filled(begin: bytes, unit: bytes, end: bytes, size: int) -> bytes:
    return begin + unit * ((size - len(begin) - len(end)) // len(unit)) + end


@pytest.mark.parametrize("unit", [b"[],", b'"",', b"{},"])
def test_a_message_made_of_nothing_but_values(homes: TwoHomes, unit: bytes) -> None:
    """An owned gateway can seal any bytes to the desk."""
    packet = homes.put()
    path = lies_at(homes.low / "spool", packet)
    manifest = manifest_of(homes, path)
    writer = PacketWriter(GatewayHome(homes.low).load().recipients)
    rest = writer.finish(filled(b'{"people":[', unit, b"1]}", MESSAGE_MAX), manifest)
    path.write_bytes(b"".join([writer.header, *rest]))
    homes.export()
    homes.take()
    status, memory, said = run("--home", homes.high, "desk", "open", packet)
    assert status == 1
    assert "message.json has more than 4000 values" in said
    assert memory < MEMORY_MAX


def manifest_of(homes: TwoHomes, path: Path) -> bytes:
    """Return the manifest of a packet that was put."""
    from desk.arrival.opening import OpenPacket
    from desk.home import DeskHome
    from transfer.names import PacketId

    identities = DeskHome(homes.high).load_identities(str)
    with OpenPacket(path, PacketId(path.stem), identities) as packet:
        assert parse_manifest(packet.manifest_bytes) == packet.manifest
        return packet.manifest_bytes


@pytest.mark.parametrize("unit", [b"[],", b'"",', b"{},"])
def test_an_answers_file_made_of_nothing_but_values(homes: TwoHomes, tmp_path: Path, unit: bytes) -> None:
    (tmp_path / "answers").write_bytes(filled(b'{"answers":[', unit, b"1]}", ANSWER_FILE_MAX))
    status, memory, said = run("--home", homes.low, "transfer", "acknowledge", "--answers", tmp_path / "answers")
    assert status == 1
    assert "has more than 1010000 values" in said
    assert memory < MEMORY_MAX
