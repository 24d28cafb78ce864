"""Real file systems as the stick: filled up, pulled out in the middle, mounted by serial number and unmounted again.

Invariants T6 and T7.
"""

import contextlib
import json
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import enveis.mounted_stick
from enveis.errors import RefusedError
from enveis.main import main
from enveis.mounted_stick import DEMANDED, OPTIONS, flags_of
from tests.worlds.crossing import High, Low, make_sides
from tests.worlds.loop_stick import LoopStick, kinds
from transfer.errors import BagError, BatchError
from transfer.low_side.acknowledge import acknowledge
from transfer.low_side.export import StoppedExportError, export
from transfer.names import Lane
from transfer.usb.bag_writer import find_bags

MIB = 1024 * 1024
ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a file system needs root")


def fill(low: Low, count: int, size: int = MIB) -> set[str]:
    ids = {str(low.put(number, os.urandom(size))) for number in range(count)}
    low.later()
    return ids


def at_share(share: float, act: Callable[[], None]) -> Callable[[int, int], None]:
    """Return a progress callback that acts once, when this share is done."""
    done_before = False

    def progress(done: int, total: int) -> None:
        nonlocal done_before
        if not done_before and done >= share * total:
            done_before = True
            act()

    return progress


def state_of(side: Low | High) -> dict[str, bytes]:
    """Everything that a pulled stick must leave as it was."""
    ignored = {"outbox.lock", ".lock"}
    return {
        str(path.relative_to(side.home)): path.read_bytes()
        for path in side.home.rglob("*")
        if path.is_file() and path.name not in ignored
    }


@pytest.mark.parametrize("kind", kinds())
def test_there_and_back_over_a_real_file_system(tmp_path: Path, kind: str) -> None:
    low, high = make_sides(tmp_path)
    stick = LoopStick(tmp_path, kind=kind, size=48 * MIB)
    ids = fill(low, 3)
    with stick.mounted() as point:
        assert export(low.side, point, progress=lambda *_: None).remaining == 0
    with stick.mounted() as point:
        (bag,) = find_bags(point)
        acknowledge(low.side, high.take(bag).code)
    assert high.filed() == ids
    assert low.spooled() == set()


def test_another_user_reads_what_is_on_a_stick() -> None:
    """On ext4 a file keeps its owner's number, and the desk's user has another one, whatever the umask was here."""
    with tempfile.TemporaryDirectory() as name:  # the tests' own folder is closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        low, _ = make_sides(folder)
        stick = LoopStick(folder, kind="ext4", size=24 * MIB)
        fill(low, 2, 1000)
        with stick.mounted() as point:
            before = os.umask(0o077)
            try:
                (made,) = export(low.side, point, progress=lambda *_: None).batches
            finally:
                os.umask(before)
            wanted = {path.relative_to(point): path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
            other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            read = "find ./enveis-* -type f -exec cat {} +"
            done = subprocess.run([*other, "sh", "-c", read], cwd=point, check=False, capture_output=True)
            assert (done.returncode, done.stderr) == (0, b"")
            assert len(done.stdout) == sum(map(len, wanted.values())) > 2000
            touch = [*other, "touch", str(made.folder / "batch.json")]
            assert subprocess.run(touch, check=False, capture_output=True).returncode != 0


@pytest.mark.parametrize("kind", kinds())
def test_a_stick_is_filled_to_ninety_percent_and_no_further(tmp_path: Path, kind: str) -> None:
    low, high = make_sides(tmp_path)
    stick = LoopStick(tmp_path, kind=kind, size=24 * MIB)
    ids = fill(low, 30)
    arrived: set[str] = set()
    for _ in range(5):
        with stick.mounted() as point:
            report = export(low.side, point, progress=lambda *_: None)
            found = os.statvfs(point)
            assert found.f_bavail >= found.f_blocks // 10
            for bag in find_bags(point):
                result = high.take(bag)
                arrived |= set(result.arrived)
                acknowledge(low.side, result.code)
                subprocess.run(["rm", "-r", bag], check=True)
            if not report.remaining:
                break
            # What was left is all that is there still.
            assert len(low.spooled()) == report.remaining
    assert arrived == high.filed() == ids


@pytest.mark.parametrize("kind", kinds())
def test_a_stick_that_others_filled_is_refused_before_anything_is_written(tmp_path: Path, kind: str) -> None:
    low, _ = make_sides(tmp_path)
    stick = LoopStick(tmp_path, kind=kind, size=24 * MIB)
    fill(low, 2)
    with stick.mounted() as point:
        (point / "holiday.mov").write_bytes(bytes(20 * MIB))
        before = state_of(low)
        with pytest.raises(BagError, match="no space for even one packet"):
            export(low.side, point, progress=lambda *_: None)
        assert [path.name for path in point.iterdir() if path.name != "lost+found"] == ["holiday.mov"]
        assert state_of(low) == before


@pytest.mark.parametrize("share", [0.1, 0.45, 0.8, 0.99])
@pytest.mark.parametrize("how", ["unmount", "fail"])
def test_a_stick_pulled_out_of_an_export(tmp_path: Path, how: str, share: float) -> None:
    low, high = make_sides(tmp_path)
    stick = LoopStick(tmp_path, kind="ext4", size=48 * MIB)
    ids = fill(low, 4)
    before = state_of(low)
    with stick.mounted() as point, pytest.raises(BagError, match=r"can no longer be written|does not return"):
        export(low.side, point, progress=at_share(share, getattr(stick, how)))
    assert list(stick.point.iterdir()) == []  # nothing was written into the folder below the mount
    assert state_of(low) == before
    with stick.mounted() as point:  # plugged in again
        assert find_bags(point) == []
        report = export(low.side, point, progress=lambda *_: None)
        assert [batch.number for batch in report.batches] == [1]
        assert set(high.take(report.batches[0].folder).arrived) == ids


@pytest.mark.parametrize("kind", kinds())
def test_a_stick_that_fills_up_during_an_export(tmp_path: Path, kind: str) -> None:
    """There was space when it began: somebody else writes, or the stick claims more than it has."""
    low, high = make_sides(tmp_path)
    stick = LoopStick(tmp_path, kind=kind, size=24 * MIB)
    ids = fill(low, 8)
    before = state_of(low)
    with stick.mounted() as point:
        film = point / "holiday.mov"

        def fill_up() -> None:
            with contextlib.suppress(OSError), film.open("wb", buffering=0) as stream:
                while stream.write(bytes(MIB)):
                    pass

        with pytest.raises(BagError, match="No space left"):
            export(low.side, point, progress=at_share(0.2, fill_up))
        assert [path.name for path in point.iterdir() if path.name != "lost+found"] == ["holiday.mov"]
        assert state_of(low) == before
        film.unlink()
        report = export(low.side, point, progress=lambda *_: None)
        assert [batch.number for batch in report.batches] == [1]
        assert set(high.take(report.batches[0].folder).arrived) == ids


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_stick_pulled_out_of_an_import(tmp_path: Path, share: float) -> None:
    low, high = make_sides(tmp_path)
    stick = LoopStick(tmp_path, kind="ext4", size=48 * MIB)
    ids = fill(low, 4)
    with stick.mounted() as point:
        export(low.side, point, progress=lambda *_: None)
    high.inbox.mkdir()
    before = state_of(high)
    with stick.mounted() as point:
        subprocess.run(["sysctl", "-q", "vm.drop_caches=1"], check=False, capture_output=True)
        (bag,) = find_bags(point)
        with pytest.raises(BatchError, match="pulled out"):
            high.take(bag, progress=at_share(share, stick.fail))
    assert high.filed() == set()
    assert state_of(high) == before
    assert low.spooled() == ids
    with stick.mounted() as point:
        (bag,) = find_bags(point)
        assert set(high.take(bag).arrived) == ids


def test_the_first_bag_is_named_when_the_second_one_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low, high = make_sides(tmp_path)
    stick = LoopStick(tmp_path, kind="ext4", size=48 * MIB)
    clear = {str(low.put(1, os.urandom(MIB)))}
    low.put(2, os.urandom(MIB), lane=Lane.HELD)
    low.later()
    bags = 0

    def progress(done: int, total: int) -> None:
        nonlocal bags
        bags += done == total
        if bags and done < total:
            stick.fail()

    with stick.mounted() as point:
        with pytest.raises(StoppedExportError, match="What was made before that is whole: batch 1") as caught:
            export(low.side, point, progress=progress)
        assert [(batch.number, batch.lane) for batch in caught.value.batches] == [(1, Lane.CLEAR)]
    with stick.mounted() as point:
        (bag,) = find_bags(point)
        assert set(high.take(bag).arrived) == clear
    assert [batch.number for batch in low.side.outbox.outstanding()] == [1]


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the udev rule would put its links."""
    (tmp_path / "dev").mkdir()
    monkeypatch.setattr(enveis.mounted_stick, "DEVICES", tmp_path / "dev")
    monkeypatch.setattr(enveis.mounted_stick, "MOUNTS", tmp_path / "run")
    return tmp_path / "dev"


def test_a_stick_named_by_its_serial_number(
    tmp_path: Path, devices: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high, backup = tmp_path / "low", tmp_path / "high", tmp_path / "backup"
    assert main(["desk", "init", "--classic", "--home", str(high), "--backup", str(backup)]) == 0
    files = ["--recipients", str(high / "recipients.txt"), "--desk-key", str(high / "desk.pub")]
    assert main(["gateway", "init", "--home", str(low), *files]) == 0
    assert main(["desk", "pair", str(low / "gateway.pairing"), "--yes", "--home", str(high)]) == 0
    from tests.enveis.test_cli_transfer import put

    put(low)
    stick = LoopStick(tmp_path, kind="ext4", size=24 * MIB)
    seen: list[frozenset[str] | None] = []
    real = enveis.mounted_stick._unmount

    def watched(point: Path, serial: str) -> None:
        seen.append(flags_of(point))
        real(point, serial)

    monkeypatch.setattr(enveis.mounted_stick, "_unmount", watched)
    capsys.readouterr()
    with stick.plugged_in() as device:
        (devices / "stick-4C530001").symlink_to(device)
        assert main(["--json", "transfer", "export", "--device", "4C530001", "--home", str(low)]) == 0
        assert json.loads(capsys.readouterr().out)["batches"][0]["packets"] == 1
        assert main(["--json", "transfer", "import", "--device", "4C530001", "--home", str(high)]) == 0
        assert len(json.loads(capsys.readouterr().out)["batches"][0]["arrived"]) == 1
        assert main(["transfer", "import", "--device", "4C53", "--home", str(high)]) == 1
        assert "no stick with this serial number is plugged in" in capsys.readouterr().err
        assert main(["transfer", "import", "--device", "../4C53", "--home", str(high)]) == 1
        assert main(["transfer", "import", str(tmp_path), "--device", "4C530001", "--home", str(high)]) == 2
    assert len(seen) == 2
    assert all(flags is not None and flags >= DEMANDED for flags in seen)
    assert list((tmp_path / "run").iterdir()) == []  # unmounted, and the mount point is gone


def test_a_stick_that_is_not_mounted_safely_is_not_used(
    tmp_path: Path, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enveis.mounted_stick, "OPTIONS", ("nodev", "nosuid"))
    stick = LoopStick(tmp_path, kind="ext4", size=24 * MIB)
    with stick.plugged_in() as device:
        (devices / "stick-1").symlink_to(device)
        with (
            pytest.raises(Exception, match="not mounted with nodev, nosuid and noexec"),
            enveis.mounted_stick.mounted("1"),
        ):
            raise AssertionError("it was used")
    assert list((tmp_path / "run").iterdir()) == []


def test_the_unit_mounts_as_the_command_does(tmp_path: Path) -> None:
    unit = (ROOT / "deploy/systemd/enveis-stick@.service").read_text()
    (command,) = (line.removeprefix("ExecStart=") for line in unit.splitlines() if "exec mount" in line)
    # systemd's own marks for one dollar and for the serial number.
    program, arguments, called = shlex.split(command.replace("$$", "$").replace("%i", "4C53")), {}, tmp_path / "called"
    (tmp_path / "mount").write_text(f'#!/bin/sh\necho "$@" > {called}\n')
    (tmp_path / "blkid").write_text('#!/bin/sh\n[ "$6" = /dev/enveis/stick-4C53 ] && echo "$KIND"\n')
    for stub in ("mount", "blkid"):
        (tmp_path / stub).chmod(0o700)
    for kind in ("ext4", "vfat", ""):
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KIND": kind, "ENVEIS_STICK_USER": "gateway"}
        subprocess.run(program, check=True, env=environment)
        arguments[kind] = called.read_text().split()
    plain = ["-o", ",".join(OPTIONS), "/dev/enveis/stick-4C53", "/run/enveis/stick-4C53"]
    assert arguments["ext4"] == arguments[""] == plain
    # FAT knows no owners: without these everything is root's, and the gateway's user could write nothing.
    assert arguments["vfat"] == ["-o", f"{plain[1]},uid=gateway,gid=gateway,umask=022", *plain[2:]]
    assert "\nEnvironment=ENVEIS_STICK_USER=gateway\n" in unit
    assert set(OPTIONS) >= DEMANDED
    rule = (ROOT / "deploy/udev/60-enveis-stick.rules").read_text()
    assert 'SYMLINK+="enveis/stick-$env{ID_SERIAL_SHORT}"' in rule


def test_a_stick_that_does_not_unmount_hides_nothing_that_went_wrong_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices, said = tmp_path / "dev", tmp_path / "said"
    devices.mkdir()
    (devices / "stick-1").touch()
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {said}\n[ "$1" = start ] || {{ echo busy >&2; exit 1; }}\n')
    systemctl.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(enveis.mounted_stick, "DEVICES", devices)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    # Before: nothing is mounted there. After: what the unit mounts.
    flags = iter([None, DEMANDED] * 2)
    monkeypatch.setattr(enveis.mounted_stick, "flags_of", lambda _: next(flags))
    with pytest.raises(ValueError, match="pulled out"), enveis.mounted_stick.mounted("1"):
        raise ValueError("pulled out")
    with pytest.raises(RefusedError, match="cannot be unmounted: busy"), enveis.mounted_stick.mounted("1"):
        pass
    assert said.read_text() == "start enveis-stick@1.service\nstop enveis-stick@1.service\n" * 2
