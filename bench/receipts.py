"""What a receipt and the submission of a short text cost: `make bench-receipts`.

Receipts: CPU time of one thread, so that a busy machine counts little, and all threads of the pool at once by the
clock. Submissions: CPU time of a whole gateway process for a text of 1 KB, from the connection to the answer, the
disk's waits left out. `--threads` shows how it is divided between the loop and its threads.
"""

import argparse
import asyncio
import http.client
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path

from bench.served import start_gateway
from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome, init_gateway
from gateway.receipts.derivation_pool import DerivationPool
from gateway.receipts.fresh_receipt import ReceiptMaker
from keys.identity import generate_identity
from keys.receipt import new_receipt_words, public_receipt
from keys.recipient import KeyKind
from keys.signing import SigningKey

TEXT = "A line of a short text, as people write it.\n" * 23  # 1,012 bytes
WARM = 20  # of each, before anything is measured
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="receipts and submissions (default 300)")
    parser.add_argument("--classic", action="store_true", help="classic keys instead of hybrid ones")
    parser.add_argument("--threads", action="store_true", help="CPU time of each thread of the gateway, too")
    given = parser.parse_args()
    kind = KeyKind.CLASSIC if given.classic else KeyKind.HYBRID
    spent = _receipts(kind, given.count)
    print(f"a receipt ({kind}): {1000 * spent:.1f} ms of CPU: {1 / spent:.0f} a second and core")
    cores = len(os.sched_getaffinity(0))
    print(f"the pool, {cores} threads: {asyncio.run(_pool(kind, given.count)):.0f} a second, by the clock")
    _submissions(kind, given.count, show_threads=given.threads)
    return 0


def _receipts(kind: KeyKind, count: int) -> float:
    """Return the CPU seconds of one receipt."""
    for _ in range(WARM):
        public_receipt(new_receipt_words(), kind)
    before = time.process_time()
    for _ in range(count):
        public_receipt(new_receipt_words(), kind)
    return (time.process_time() - before) / count


async def _pool(kind: KeyKind, count: int) -> float:
    """Return how many receipts a second the pool makes."""
    pool = DerivationPool()
    maker = ReceiptMaker(kind, pool)
    await asyncio.gather(*(maker.make() for _ in range(WARM)))
    before = time.perf_counter()
    await asyncio.gather(*(maker.make() for _ in range(count)))
    took = time.perf_counter() - before
    pool.close()
    return count / took


def _submissions(kind: KeyKind, count: int, *, show_threads: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = GatewayHome(folder / "low")
        (folder / "recipients").write_text(f"{generate_identity(kind).recipient}\n")
        (folder / "desk.pub").write_text(SigningKey.generate().public.encode())
        config = GatewayConfig(inspection=False)
        init_gateway(home, recipients=folder / "recipients", desk_key=folder / "desk.pub", config=config)
        process, port = start_gateway(home)
        try:
            for _ in range(WARM):
                _submit(port)
            before, threads_before = _cpu(process.pid), _threads(process.pid)
            for _ in range(count):
                _submit(port)
            spent = (_cpu(process.pid) - before) / count
            print(f"a submission of {len(TEXT)} bytes ({kind}): {1000 * spent:.1f} ms of CPU in all")
            for task, after in _threads(process.pid).items() if show_threads else ():
                print(f"  thread {task}: {1000 * (after - threads_before.get(task, 0)) / count:.2f} ms")
        finally:
            process.terminate()
            process.wait(30)


def _submit(port: int) -> None:
    boundary = secrets.token_hex(12)
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="message"\r\n\r\n{TEXT}\r\n--{boundary}--\r\n'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/en/submit", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    answer = connection.getresponse()
    page = answer.read()
    connection.close()
    if answer.status != 200 or b'id="receipt"' not in page:
        raise RuntimeError(f"the gateway answered {answer.status}")


def _cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    return _seconds(Path(f"/proc/{pid}/stat"))


def _threads(pid: int) -> dict[str, float]:
    """Return the CPU seconds that each thread of a process has used."""
    return {task.name: _seconds(task / "stat") for task in Path(f"/proc/{pid}/task").iterdir()}


def _seconds(stat: Path) -> float:
    fields = stat.read_text().rpartition(")")[2].split()  # the program's name, in brackets, may hold anything
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    sys.exit(main())
