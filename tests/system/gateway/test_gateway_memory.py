"""The gateway's memory does not grow with what is sent: ten files of 256 MiB against one of 1 KiB.

Invariant G3.
"""

import re
from pathlib import Path

from quarantine.scanner.local_clamd import LocalClamd
from tests.worlds.gateway_process import GatewayProcess, file_head, form_head, read_answer
from tests.worlds.spooled import spooled

FILE = 268_435_456  # bytes
FILES = 10
LIMIT = 16 * 1024  # KiB of resident memory
PIECE = b"A line of a long log, again and again.\n" * 26_887  # about 1 MiB


def test_ten_files_of_256_mib(tmp_path: Path, clamd: LocalClamd) -> None:
    with GatewayProcess(
        tmp_path, inspection=True, clamd_socket=str(clamd.socket_path), inspection_budget_seconds=300
    ) as gateway:
        assert gateway.process is not None
        assert gateway.submit([], [("small.txt", bytes(b"x" * 1024))]).words
        small = _peak(gateway.process.pid)
        boundary = "b"
        heads = [file_head(boundary, f"{number}.txt") for number in range(FILES)]
        end = f"--{boundary}--\r\n".encode()
        length = sum(len(head) + FILE + 2 for head in heads) + len(end)
        with gateway.connect() as connection:
            connection.settimeout(400)
            connection.sendall(form_head(boundary, length))
            for head in heads:
                connection.sendall(head)
                for start in range(0, FILE, len(PIECE)):
                    connection.sendall(PIECE[: FILE - start])
                connection.sendall(b"\r\n")
            connection.sendall(end)
            assert read_answer(connection).words
        large = _peak(gateway.process.pid)
        (first, second) = sorted(path.stat().st_size for path in spooled(gateway.home.spool).values())
        assert first < FILE < FILES * FILE < second
    print(f"peak resident memory: {small} KiB for 1 KiB, {large} KiB for {FILES} x {FILE} bytes")
    assert large - small < LIMIT
    # The inspection really took place: all of it went by the clear lane.
    assert len(spooled(gateway.home.spool)) == 2


def _peak(pid: int) -> int:
    """Return the process's peak resident memory in KiB; memfds are counted apart, by their slots."""
    match = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match[1])
