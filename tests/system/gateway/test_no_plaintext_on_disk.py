"""No plaintext rests on a disk: every write of gateway, workers, unar and clamd is watched during a submission.

Invariant G2.
"""

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from enveis.demo.sample_files import deflated_zip, one_page_pdf, stored_rar
from quarantine.budgets import Budgets
from quarantine.scanner.local_clamd import LocalClamd
from tests.worlds.gateway_process import GatewayProcess
from tests.worlds.tracing import STRACE, Trace, attached, on_disk, read_trace
from transfer.names import Lane

MARKER = "PLAINTEXTMARKER5c1e"


# Below and above what buffers, pipes and libraries keep in memory before they would begin a temporary file.
SIZES = (1, 64 * 1024, 1024 * 1024, 32 * 1024 * 1024)
# What a gateway writes to its disk: the sealed packet, the token that takes it back, its log and its books.
OWN = re.compile(r"/(spool/[\w./-]+|audit\.jsonl|[\w-]+\.sqlite(-journal|-wal|-shm)?)")
# And what Python writes when a module is loaded for the first time.
BYTECODE = re.compile(r"/.*/__pycache__/[\w.-]+\.pyc\.[0-9]+")


def of_size(size: int) -> list[tuple[str, bytes]]:
    """Return one file of each kind whose content is `size` bytes, the marker again and again."""
    text = f"{MARKER}\n".encode()
    text = (text * (size // len(text) + 1))[:size]
    return [
        (f"{MARKER}.txt", text),
        ("b.zip", deflated_zip({f"{MARKER}.txt": text})),
        ("c.zip", stored_zip({f"{MARKER}.txt": text})),
        ("d.rar", stored_rar({f"{MARKER}.txt": text})),
        ("e.pdf", one_page_pdf(text.decode().replace("\n", " "))),
    ]


def stored_zip(files: Mapping[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as writer:
        for name, content in files.items():
            writer.writestr(zipfile.ZipInfo(name), content)
    return archive.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_no_write_of_a_submission_reaches_a_disk(tmp_path: Path, size: int) -> None:
    # The marker stands every 21 bytes: of a large file the first bytes of each write show it.
    shown = ("-s", "512") if size > SIZES[2] else ()
    low, scanner = tmp_path / "gateway.strace", tmp_path / "clamd.strace"
    with LocalClamd(tmp_path / "clamd", test_database=True) as clamd:
        assert clamd.pid is not None
        with (
            attached(clamd.pid, scanner, *shown),
            GatewayProcess(
                tmp_path,
                wrapper=[*STRACE, "--seccomp-bpf", *shown, "-o", str(low)],
                inspection=True,
                clamd_socket=str(clamd.socket_path),
                # Watched, on a busy machine, all takes longer; here it does not matter how long.
                inspection_budget_seconds=900,
                budgets=Budgets(worker_cpu=120, pdf_walk_cpu=60),
            ) as gateway,
        ):
            at_start = set(on_disk(read_trace(low).writes_of("")))
            answer = gateway.submit([("message", MARKER), ("contact_name", MARKER)], of_size(size))
            assert answer.words
            (packet,) = gateway.packets()
            assert packet.lane is Lane.CLEAR, packet.manifest.files
            assert len(packet.files) == 5
    traces = [read_trace(low), read_trace(scanner)]
    targets = [target for trace in traces for target in trace.writes_of(MARKER)]
    assert on_disk(targets) == []
    assert on_disk(target for trace in traces for target in trace.unseen_targets()) == []
    # One byte has no room for a marker: whatever is written to a disk at all is one of the gateway's own files.
    written = {target for trace in traces for target in on_disk(trace.writes_of(""))} - at_start
    root = str(gateway.home.root)
    others = [target for target in written if not OWN.fullmatch(target.removeprefix(root))]
    assert [target for target in others if not BYTECODE.fullmatch(target)] == []
    assert any(target.endswith(".part") for target in written), written
    # The watcher saw the marker where it must pass: into memory, through pipes and to the visitor.
    assert any(target.startswith("/memfd:") for target in targets), targets
    if size > len(MARKER):
        assert any(target.startswith("/dev/shm/") for target in read_trace(scanner).writes_of(MARKER))
    for path in (*gateway.home.root.rglob("*"), *(tmp_path / "clamd").rglob("*")):
        if path.is_file():
            assert MARKER.encode() not in path.read_bytes(), path
    assert MARKER not in gateway.log.read_text()


def test_the_watcher_sees_a_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "temporary"
    script = f"import os; fd = os.open({str(target)!r}, os.O_CREAT | os.O_WRONLY); os.write(fd, b'{MARKER}')"
    output = tmp_path / "strace"
    subprocess.run([*STRACE, "-o", str(output), sys.executable, "-c", script], check=True)
    assert on_disk(read_trace(output).writes_of(MARKER)) == [str(target)]


def test_the_watcher_sees_calls_that_show_no_bytes() -> None:
    mapped = "12  mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</var/tmp/x>, 0) = 0x7f"
    copied = "12  sendfile(4</var/tmp/y>, 5</memfd:enveis>, NULL, 5) = 5"
    assert Trace((mapped, copied)).unseen_targets() == ["/var/tmp/x", "/var/tmp/y", "/memfd:enveis"]
