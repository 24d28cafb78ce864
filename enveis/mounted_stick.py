"""A stick that is named by its serial number: mounted without rights to anything, unmounted at the end.

A udev rule of ours (deploy/udev/) gives each such stick a name below /dev/enveis. Root mounts it here; anyone else
asks systemd for the unit of ours that does the same. Either way the mount's own flags are read back before it is used.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from enveis.errors import RefusedError

DEVICES: Final = Path("/dev/enveis")  # where the udev rule puts its links
MOUNTS: Final = Path("/run/enveis")  # where the unit mounts, and we
OPTIONS: Final = ("nodev", "nosuid", "noexec", "noatime", "nosymfollow")  # as in deploy/systemd/enveis-stick@.service
DEMANDED: Final = frozenset({"nodev", "nosuid", "noexec"})
STEP_SECONDS: Final = 120.0  # for one call of mount, umount or systemctl: a slow stick syncs for long

_SERIAL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,126}", re.ASCII)


@contextmanager
def mounted(serial: str) -> Iterator[Path]:
    """Yield the mount point of the stick with this serial number; it is unmounted, and so synced, at the end.

    Raises:
        RefusedError: There is no such stick, it is mounted already, or it cannot be mounted as safely as it must.
    """
    if not _SERIAL.fullmatch(serial):
        raise RefusedError("a serial number has letters, digits, dots, colons, hyphens and underscores only")
    device = DEVICES / f"stick-{serial}"
    if not device.exists():
        raise RefusedError(f"no stick with this serial number is plugged in: {device} does not exist (docs/sticks.md)")
    point = MOUNTS / f"stick-{serial}"
    if flags_of(point) is not None:
        raise RefusedError(f"{point} is already mounted; unmount it first")
    _mount(device, point, serial)
    try:
        _demand_flags(point)
        yield point
    except BaseException:
        # What went wrong first is what somebody has to know: a stick that was pulled out may not unmount either.
        with suppress(RefusedError):
            _unmount(point, serial)
        raise
    _unmount(point, serial)


def flags_of(point: Path) -> frozenset[str] | None:
    """Return the options of what is mounted at `point`, None when nothing is (proc(5), /proc/pid/mountinfo)."""
    found = None
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split(" ")
        if fields[4].replace("\\040", " ") == str(point):
            found = frozenset(fields[5].split(","))
    return found


def _demand_flags(point: Path) -> None:
    flags = flags_of(point)
    if flags is None or not flags >= DEMANDED:
        raise RefusedError(f"{point} is not mounted with nodev, nosuid and noexec; nothing was written or read")


def _mount(device: Path, point: Path, serial: str) -> None:
    if os.geteuid() != 0:
        _run("systemctl", "start", _unit(serial))
        return
    point.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _run("mount", "-o", ",".join(OPTIONS), str(device), str(point))
    except RefusedError:
        point.rmdir()
        raise


def _unmount(point: Path, serial: str) -> None:
    if os.geteuid() != 0:
        _run("systemctl", "stop", _unit(serial))
        return
    _run("umount", str(point))
    point.rmdir()


def _unit(serial: str) -> str:
    return f"enveis-stick@{serial}.service"


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STEP_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RefusedError(f"'{command[0]}' cannot be run ({type(error).__name__})") from None
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"status {done.returncode}"
        step = "unmounted" if command[0] == "umount" or command[1] == "stop" else "mounted"
        raise RefusedError(f"the stick cannot be {step}: {reason}")
