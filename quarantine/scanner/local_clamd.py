"""A real clamd of our own in a private folder: for `enveis run`, `enveis demo` and the tests.

A real host runs Debian's service with deploy/clamd/clamd.conf; the values are the same, and a test compares
them. `is_test_database` tells which signatures are used.
"""

import contextlib
import ctypes
import hashlib
import os
import shutil
import stat
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from quarantine.errors import LocalClamdError
from quarantine.scanner.canaries import eicar
from quarantine.scanner.clamd import ClamdScanner

SOCKET_PATH_MAX: Final = 107  # bytes of a Unix socket's path; unix(7)
TMPFS_MAGIC: Final = 0x01021994  # statfs(2)
START_TIMEOUT: Final = 120.0  # seconds; a full signature database takes half a minute to load
STOP_TIMEOUT: Final = 10.0  # seconds
SYSTEM_DATABASE: Final = Path("/var/lib/clamav")
APPARMOR: Final = Path("/sys/module/apparmor/parameters/enabled")  # "Y" where it is on; absent where it is not built in
MEMORY_DISK: Final = Path("/dev/shm")  # noqa: S108 - a private folder in it, which is checked
TEST_MARK: Final = b"enveis-test-malware-" + b"7d1f0c52"  # a second test signature, besides EICAR
_ERRORS_KEPT: Final = 2000  # characters of clamd's own words, for the message when it does not start

# Values and reasons: deploy/clamd/clamd.conf.
SETTINGS: Final = """\
Foreground yes
LogClean no
LocalSocketMode 600
FixStaleSocket yes
MaxThreads 2
MaxQueue 20
MaxConnectionQueueLength 50
ReadTimeout 300
CommandReadTimeout 10
StreamMaxLength 257M
MaxFileSize 512M
MaxScanSize 2000M
MaxRecursion 8
MaxFiles 10000
MaxScanTime 300000
AlertExceedsMax yes
AlertEncrypted yes
AlertEncryptedArchive yes
AlertEncryptedDoc yes
DisableCache yes
ExitOnOOM yes
ForceToDisk no
LeaveTemporaryFiles no
ScanArchive yes
ScanPDF yes
"""


class LocalClamd:
    """A running clamd; `stop` (or leaving the `with` block) ends it and wipes what it left behind.

    Args:
        folder: Private to us; contains configuration, socket and, where needed, the test signatures.
        database: A folder of signatures; by default the system's when it has any, else test signatures.
        test_database: Take the test signatures (EICAR and TEST_MARK) in any case.
    """

    def __init__(self, folder: Path, *, database: Path | None = None, test_database: bool = False) -> None:
        self._folder = folder.absolute()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        system = SYSTEM_DATABASE if _has_signatures(SYSTEM_DATABASE) else None
        self._database = None if test_database else database or system
        self.is_test_database = self._database is None
        # The name follows from the folder, so that the next start finds what a killed clamd left.
        mark = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        self.temporary_folder = MEMORY_DISK / f"enveis-clamd-{mark}"
        self.socket_path = self._folder / "clamd.sock"
        if len(os.fsencode(self.socket_path)) > SOCKET_PATH_MAX:
            self.socket_path = self.temporary_folder / "clamd.sock"
        self._process: subprocess.Popen[str] | None = None
        self._words: list[str] = []
        self._listener: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process number of the running clamd."""
        return self._process.pid if self._process else None

    @property
    def has_ended(self) -> bool:
        """Return whether clamd, once started, is gone without having been stopped."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> Self:
        """Start clamd and wait until it answers.

        Raises:
            LocalClamdError: It is not installed, there is no memory disk, or it did not come up.
        """
        program = self._program()
        self._end_forgotten()
        _make_memory_folder(self.temporary_folder)
        database = self._database or self._write_test_database()
        configuration = self._folder / "clamd.conf"
        configuration.write_text(
            f"{SETTINGS}LocalSocket {self.socket_path}\nTemporaryDirectory {self.temporary_folder}\n"
            f"DatabaseDirectory {database}\n"
        )
        self._process = subprocess.Popen(
            [program, "--foreground", "--config-file", str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            text=True,
            errors="replace",
            # Ctrl-C in a terminal goes to the whole group: we end clamd ourselves, after its last scan.
            start_new_session=True,
        )
        self._listen(self._process)
        try:
            self._wait_until_answering(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End clamd and wipe its temporary folder; a second call does nothing."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._listener is not None:
                self._listener.join()
            self._process = None
        shutil.rmtree(self.temporary_folder, ignore_errors=True)
        self.socket_path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _program(self) -> str:
        program = shutil.which("clamd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise LocalClamdError("clamd is not installed; on Debian: apt-get install clamav-daemon")
        with contextlib.suppress(OSError):
            if APPARMOR.read_text().startswith("Y"):
                # Debian's AppArmor profile is tied to /usr/sbin/clamd and confines it to the system's own
                # folders; a copy elsewhere has no profile and may read ours.
                return str(shutil.copy2(program, str(self._folder / "clamd")))
        return program

    def _end_forgotten(self) -> None:
        """End a clamd which an earlier run of ours had to leave behind: this folder's socket is ours alone."""
        scanner = ClamdScanner(self.socket_path)
        if scanner.is_answering(timeout=1.0):
            scanner.shut_down()
            until = time.monotonic() + STOP_TIMEOUT
            while scanner.is_answering(timeout=1.0) and time.monotonic() < until:
                time.sleep(0.05)
        self.socket_path.unlink(missing_ok=True)

    def _write_test_database(self) -> Path:
        folder = self._folder / "signatures"
        folder.mkdir(mode=0o700, exist_ok=True)
        # Extended signatures: name, any type of file, any offset, hex of the bytes.
        signatures = {"Enveis.Test.EICAR": eicar(), "Enveis.Test.Mark": TEST_MARK}
        lines = [f"{name}:0:*:{body.hex()}\n" for name, body in signatures.items()]
        (folder / "enveis-test.ndb").write_text("".join(lines))
        return folder

    def _listen(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            raise RuntimeError("clamd was started without a pipe")

        # Read always, so that clamd never waits for us; kept in memory and only until it has started.
        def listen(stream: IO[str]) -> None:
            with stream:
                for line in stream:
                    if sum(map(len, self._words)) < _ERRORS_KEPT:
                        self._words.append(line)

        self._words.clear()
        self._listener = threading.Thread(target=listen, args=(process.stdout,), daemon=True)
        self._listener.start()

    def _wait_until_answering(self, process: subprocess.Popen[str]) -> None:
        scanner = ClamdScanner(self.socket_path)
        until = time.monotonic() + START_TIMEOUT
        while time.monotonic() < until:
            if process.poll() is not None:
                if self._listener is not None:
                    self._listener.join()
                faults = [line for line in self._words if "ERROR" in line] or self._words
                message = " ".join("".join(faults).split())
                raise LocalClamdError(f"clamd ended at once (exit {process.returncode}): {message}")
            if scanner.is_answering(timeout=1.0):
                return
            time.sleep(0.02)
        raise LocalClamdError(f"clamd did not answer within {START_TIMEOUT:.0f} seconds")


def _has_signatures(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("main.cvd", "main.cld", "daily.cvd", "daily.cld"))


def _make_memory_folder(folder: Path) -> None:
    """An empty private folder on a tmpfs: clamd puts members of archives there, in plaintext."""
    if not _is_tmpfs(folder.parent):
        raise LocalClamdError(f"{folder.parent} is not in memory (tmpfs), and plaintext must not reach a disk")
    with contextlib.suppress(FileNotFoundError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise LocalClamdError(f"{folder} belongs to another user")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)


def _is_tmpfs(folder: Path) -> bool:
    answer = ctypes.create_string_buffer(256)  # struct statfs is 120 bytes; its first field is the type
    if ctypes.CDLL(None, use_errno=True).statfs(os.fsencode(folder), answer) != 0:
        return False
    return ctypes.c_long.from_buffer(answer).value == TMPFS_MAGIC
