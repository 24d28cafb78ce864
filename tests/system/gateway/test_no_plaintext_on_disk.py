"""No plaintext rests on a disk: every write of gateway, workers, unar and clamd is watched during a submission."""

import subprocess
import sys
from pathlib import Path

from enveis.demo.sample_files import deflated_zip, one_page_pdf, stored_rar
from quarantine.scanner.local_clamd import LocalClamd
from tests.worlds.gateway_process import GatewayProcess
from tests.worlds.tracing import STRACE, Trace, attached, is_on_disk, read_trace
from transfer.names import Lane

MARKER = "PLAINTEXTMARKER5c1e"


def test_no_write_of_a_submission_reaches_a_disk(tmp_path: Path) -> None:
    text = (MARKER + "\n").encode() * 200
    files = [
        ("a.txt", text),
        ("b.zip", deflated_zip({f"{MARKER}.txt": text})),
        ("c.rar", stored_rar({f"{MARKER}.txt": text})),
        ("d.pdf", one_page_pdf(MARKER)),
    ]
    low, scanner = tmp_path / "gateway.strace", tmp_path / "clamd.strace"
    with LocalClamd(tmp_path / "clamd", test_database=True) as clamd:
        assert clamd.pid is not None
        with (
            attached(clamd.pid, scanner),
            GatewayProcess(
                tmp_path,
                wrapper=[*STRACE, "-o", str(low)],
                inspection=True,
                clamd_socket=str(clamd.socket_path),
            ) as gateway,
        ):
            answer = gateway.submit([("message", MARKER), ("contact_name", MARKER)], files)
            assert answer.words
            (packet,) = gateway.packets()
            assert packet.lane is Lane.CLEAR, packet.manifest.files
    traces = [read_trace(low), read_trace(scanner)]
    targets = [target for trace in traces for target in trace.writes_of(MARKER)]
    assert [target for target in targets if is_on_disk(target)] == []
    assert [target for trace in traces for target in trace.unseen_targets() if is_on_disk(target)] == []
    # The watcher saw the marker where it must pass: into memory, through pipes and to the visitor.
    assert any(target.startswith("/memfd:") for target in targets), targets
    assert any(target.startswith("/dev/shm/") for target in read_trace(scanner).writes_of(MARKER)), targets
    for path in (*gateway.home.root.rglob("*"), *(tmp_path / "clamd").rglob("*")):
        if path.is_file():
            assert MARKER.encode() not in path.read_bytes(), path
    assert MARKER not in gateway.log.read_text()


def test_the_watcher_sees_a_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "temporary"
    script = f"import os; fd = os.open({str(target)!r}, os.O_CREAT | os.O_WRONLY); os.write(fd, b'{MARKER}')"
    output = tmp_path / "strace"
    subprocess.run([*STRACE, "-o", str(output), sys.executable, "-c", script], check=True)
    assert [path for path in read_trace(output).writes_of(MARKER) if is_on_disk(path)] == [str(target)]


def test_the_watcher_sees_calls_that_show_no_bytes() -> None:
    mapped = "12  mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</var/tmp/x>, 0) = 0x7f"
    copied = "12  sendfile(4</var/tmp/y>, 5</memfd:enveis>, NULL, 5) = 5"
    assert Trace((mapped, copied)).unseen_targets() == ["/var/tmp/x", "/var/tmp/y", "/memfd:enveis"]
