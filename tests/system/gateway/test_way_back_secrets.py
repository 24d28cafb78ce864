"""What coming back leaves behind: nothing that was typed, and no file operation that tells a case from none.

Invariants G11 and G12.
"""

import re
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from keys.receipt import new_receipt_words
from keys.recipient import KeyKind
from tests.worlds.gateway_process import DAY, NO_PACKETS_OF_REQUESTS, Answer, GatewayProcess
from tests.worlds.waiting import WATCHDOG

CANARY = "CanarySecretWord"
REPLY = "CanaryOfTheReply"
# Every call that opens, reads, writes or names a file.
_CALLS = "openat,open,read,pread64,readv,write,pwrite64,writev,lseek,fsync,fdatasync,rename,unlink,ftruncate,fcntl,stat"
_FILE = re.compile(r"^\d+ +(\w+)\((?:AT_FDCWD<[^>]*>, )?(?:\d+<(/[^>]*)>|\"(/[^\"]*)\")")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    # Core files as large as this machine lets them be: that none is left must be the gateway's own doing.
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    wrapper = ["prlimit", f"--core={'unlimited' if most == resource.RLIM_INFINITY else most}"]
    root = tmp_path_factory.mktemp("secrets")
    # What the gateway reads now and then, whoever is here, could fall into one visit and not into another.
    constants = {"gateway.reading.file_valve.LOOK": DAY, "gateway.return_visit.return_visit.BUNDLES_EVERY": DAY}
    constants |= NO_PACKETS_OF_REQUESTS
    settings: dict[str, Any] = {"wrapper": wrapper, "constants": constants, "tick_seconds": 6 * 3600}
    with GatewayProcess(root, kind=KeyKind.CLASSIC, **settings) as running:
        yield running


def _case(gateway: GatewayProcess, text: str = "a matter") -> tuple[str, Answer]:
    answer = gateway.submit([("message", text)])
    assert answer.words
    return answer.words, answer


def _file_calls(gateway: GatewayProcess, output: Path, visit: Callable[[], Answer]) -> list[tuple[str, str]]:
    """Return what a visit does with files, in the gateway and its children, in order."""
    command = ["strace", "-f", "-y", "-e", f"trace={_CALLS}", "-o", str(output), "-p", str(gateway.pid)]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert strace.stderr is not None
    try:
        assert b"attached" in strace.stderr.readline()
        assert visit().status == 200
    finally:
        strace.terminate()
        strace.communicate(timeout=WATCHDOG)
    calls = [match for line in output.read_text().splitlines() if (match := _FILE.match(line))]
    named = [(match[1], match[2] or match[3]) for match in calls]
    return [(call, path) for call, path in named if "/spool" not in path and not path.startswith(("/dev/", "/proc/"))]


def _steps(trace: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what was opened, changed and synced, in order. How many pages SQLite reads or writes is its own affair."""
    return [step for step, _ in groupby(step for step in trace if step[0] not in ("pread64", "fcntl", "lseek", "stat"))]


def _children(pid: int) -> list[int]:
    """Return all processes below one, at any depth."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *_children(int(child))]
    return found


def test_the_same_files_are_touched_in_the_same_order(gateway: GatewayProcess, tmp_path: Path) -> None:
    words, _ = _case(gateway)
    gateway.come_back(words)
    traces = [
        _file_calls(gateway, tmp_path / f"{number}.trace", partial(gateway.come_back, typed))
        for number, typed in enumerate((new_receipt_words().return_words, words, new_receipt_words().return_words))
    ]
    assert traces[0] == traces[1] == traces[2]
    # What is known of bundles is asked for once; replies are looked up in memory.
    assert {Path(path).name for _, path in traces[0]} == {"way-back.sqlite"}
    assert not [call for call, _ in traces[0] if "write" in call or "sync" in call]


def test_a_button_does_the_same_with_files_whether_it_is_ours(gateway: GatewayProcess, tmp_path: Path) -> None:
    pages = [_case(gateway, f"text {number}")[1] for number in range(2)]
    gateway.empty_spool()
    gateway.post("/withdraw", pages[0].button)
    invented = [(name, "0" * len(value) if name == "mark" else value) for name, value in pages[1].button]
    buttons = {"invented": invented, "left": pages[1].button, "again": pages[1].button, "invented again": invented}
    traces = {
        what: _file_calls(gateway, tmp_path / f"{what}.trace", partial(gateway.post, "/withdraw", button))
        for what, button in buttons.items()
    }
    steps = {what: _steps(trace) for what, trace in traces.items()}
    assert {Path(path).name.partition("-")[0] for _, path in steps["left"]} >= {"requests.sqlite"}
    assert any("sync" in call for call, _ in steps["left"])
    for what in buttons:
        assert steps[what] == steps["left"], what


def test_deleting_does_the_same_with_files_whether_answers_are_here(gateway: GatewayProcess, tmp_path: Path) -> None:
    words, _ = _case(gateway, "a case with an answer")
    receipt = next(p.manifest.receipt for p in gateway.packets() if p.message.text == "a case with an answer")
    assert receipt is not None
    gateway.take_bundle(1, [(receipt, "An answer.")])
    none = new_receipt_words().return_words
    for typed in (none, words):
        gateway.come_back(typed)
    before = len(gateway.asked())
    steps = {}
    for what, typed in (("none", none), ("an answer", words), ("none again", none)):
        visit = partial(gateway.post, "/delete-replies", [("words", typed)])
        trace = _file_calls(gateway, tmp_path / f"{what}.trace", visit)
        steps[what] = _steps(trace)
    assert steps["none"] == steps["an answer"] == steps["none again"]
    assert {Path(path).name for _, path in steps["none"]} >= {"requests.sqlite", "way-back.sqlite"}
    assert any("sync" in call for call, _ in steps["none"])
    assert len(gateway.asked()) == before + 1


def test_nothing_that_was_typed_and_no_word_is_left_behind(gateway: GatewayProcess) -> None:
    words, page = _case(gateway, CANARY)
    other = new_receipt_words()
    receipt = next(packet.manifest.receipt for packet in gateway.packets() if packet.message.text == CANARY)
    assert receipt is not None
    gateway.take_bundle(2, [(receipt, REPLY)])
    case = gateway.come_back(words)
    assert REPLY in case.text
    hidden = case.hidden("words")
    gateway.come_back(other.return_words)
    gateway.come_back(f"{CANARY} {other.return_words}")
    gateway.come_back(other.proof_words)
    gateway.post("/add", [("words", hidden), ("message", CANARY)], [(f"{CANARY}.txt", CANARY.encode())])
    gateway.post("/add", [("words", CANARY), ("message", CANARY)], [(f"{CANARY}.exe", b"MZ")])
    gateway.post("/withdraw", [("packet", page.hidden("packet")), ("token", CANARY)])
    gateway.post("/withdraw", [(name, CANARY) for name, _ in page.button])
    gateway.post("/withdraw", page.button)
    gateway.post("/delete-replies", [("words", hidden)])
    gateway.submit([("message", CANARY), ("receipt_public", f"{CANARY} {CANARY}")])
    gateway.raw(f"GET /return?words={CANARY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    # A process that dies badly leaves no core file either, nor does one that the gateway started.
    processes = [gateway.pid, *_children(gateway.pid)]
    for process in processes:
        limits = Path(f"/proc/{process}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits
    gateway.stop(signal.SIGABRT)
    assert not [path for folder in (gateway.root, Path.cwd()) for path in folder.glob("core*") if path.is_file()]
    secret = [
        CANARY,
        REPLY,
        words,
        hidden,
        page.hidden("token"),
        page.hidden("mark"),
        other.return_words,
        other.proof_words,
    ]
    # Two words of a receipt side by side: one alone is a word that any text may have.
    secret += [" ".join(words.split()[place : place + 2]) for place in range(9)]
    for path in gateway.root.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for canary in secret:
            assert canary not in str(path)
            assert canary.encode() not in content, path
    gateway.start()
