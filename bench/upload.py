"""`make bench-upload`: CPU seconds of a gateway for one upload, as a ratio to `age -r` on the same file.

256 MiB over loopback, inspection off, durable at the end on both sides. The two are measured in turn, so that a
machine whose speed drifts treats them alike; the median ratio is what counts. Nothing is asserted.
"""

import argparse
import os
import resource
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome, init_gateway
from keys.identity import generate_identity
from keys.recipient import KeyKind
from keys.signing import SigningKey

SIZE: Final = 268_435_456  # bytes
PIECE: Final = 1024 * 1024  # bytes
BOUNDARY: Final = "----bench"
LINE: Final = b"A line of text in a long log, with a number at its end: %016x\n"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="counted runs of each (default 7)")
    parser.add_argument("--folder", type=Path, help="where spool and age's output lie (default: the system's)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="enveis-bench-", dir=arguments.folder) as name:
        _compare(Path(name), arguments.runs)
    return 0


def _compare(root: Path, runs: int) -> None:
    source = root / "source.txt"
    _write_source(source)
    recipient, home = _make_home(root)
    process, port = _start(home, root / "gateway.log")
    try:
        _upload(source, process.pid, port, home)  # a first one that does not count
        rows = []
        for number in range(1, runs + 1):
            age, gateway = _age(source, recipient, root / "sealed.age"), _upload(source, process.pid, port, home)
            rows.append((age, gateway))
            print(f"run {number}: age -r {age:.2f} s, gateway {gateway:.2f} s, ratio {gateway / age:.2f}", flush=True)
        ratios = [gateway / age for age, gateway in rows]
        print(
            f"\n256 MiB, CPU seconds, median of {runs}: age -r {statistics.median(a for a, _ in rows):.2f}, "
            f"gateway {statistics.median(g for _, g in rows):.2f}, "
            f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
    finally:
        process.terminate()
        process.wait(60)


def _write_source(path: Path) -> None:
    lines = b"".join(LINE % secrets.randbits(64) for _ in range(4096))
    with path.open("wb") as stream:
        left = SIZE
        while left:
            left -= stream.write(lines[:left])


def _make_home(root: Path) -> tuple[str, GatewayHome]:
    recipient = str(generate_identity(KeyKind.CLASSIC).recipient)  # Debian 12's age seals to no other
    (root / "recipients.txt").write_text(f"{recipient}\n")
    (root / "desk.pub").write_text(SigningKey.generate().public.encode())
    home = GatewayHome(root / "low")
    config = GatewayConfig(inspection=False)
    init_gateway(home, recipients=root / "recipients.txt", desk_key=root / "desk.pub", config=config)
    return recipient, home


def _start(home: GatewayHome, log: Path) -> tuple[subprocess.Popen[bytes], int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "enveis", "gateway", "serve", "--home", str(home.root)]
    with log.open("wb") as stream:
        process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{port}"], stdout=stream, stderr=stream)
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return process, port
    raise SystemExit(f"the gateway did not start: see {log}")


def _upload(source: Path, pid: int, port: int, home: GatewayHome) -> float:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'.encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()
    before = _cpu(pid)
    with socket.create_connection(("127.0.0.1", port)) as connection, source.open("rb") as stream:
        connection.sendall(
            "POST /submit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"Content-Length: {len(head) + SIZE + len(tail)}\r\n\r\n".encode()
        )
        connection.sendall(head)
        connection.sendfile(stream)
        connection.sendall(tail)
        answer = b""
        while piece := connection.recv(PIECE):
            answer += piece
    if b'id="receipt"' not in answer:
        raise SystemExit("the gateway gave no receipt")
    spent = _cpu(pid) - before
    for packet in (home.spool / "held").rglob("*.age"):
        packet.unlink()
    return spent


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process so far, its threads included; its children are another matter."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _age(source: Path, recipient: str, target: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(["cat", str(source)], stdout=subprocess.PIPE) as cat:
        subprocess.run(["age", "-r", recipient, "-o", str(target)], stdin=cat.stdout, check=True)
    subprocess.run(["sync", str(target)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    target.unlink()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
