"""How long `/return` takes for words that nobody has and for cases with and without an answer: `make bench-return`.

Compared, not asserted: on a shared machine a difference of time says little. What is asserted is that the same is done
(tests/gateway/test_return_visit.py). Every request goes to a real gateway, in turn, so that whatever else the machine
does meets all three alike.
"""

import argparse
import http.client
import secrets
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.served import start_gateway
from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome, init_gateway
from gateway.replies.reply_store import ReplyStore
from keys.identity import generate_identity
from keys.receipt import new_receipt_words, return_secrets
from keys.recipient import KeyKind
from keys.signing import SigningKey
from transfer.batch.batch import GatewayId
from transfer.bundle.bundle import sign_bundle
from transfer.bundle.contents import BundleList, entry_of
from transfer.bundle.reply import Reply, State, new_reply_id, seal_reply

KIND = KeyKind.HYBRID


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="requests of each sort (default 40)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        home, desk = GatewayHome(Path(folder) / "low"), SigningKey.generate()
        (Path(folder) / "recipients").write_text(f"{generate_identity(KIND).recipient}\n")
        (Path(folder) / "desk.pub").write_text(desk.public.encode())
        config = GatewayConfig(inspection=False)
        init_gateway(home, recipients=Path(folder) / "recipients", desk_key=Path(folder) / "desk.pub", config=config)
        answered, deleted = _give_replies(home, desk)
        process, port = start_gateway(home)
        try:
            _compare(port, rounds, answered, deleted)
        finally:
            process.terminate()
            process.wait(30)
    return 0


def _give_replies(home: GatewayHome, desk: SigningKey) -> tuple[str, str]:
    """Have the gateway take one reply for each of two cases, the second of which is deleted again; return the words."""
    words = [new_receipt_words().return_words for _ in range(2)]
    today, sealed, entries = datetime.now(UTC).date(), {}, []
    for typed in words:
        keys = return_secrets(typed, KIND)
        reply = Reply(new_reply_id(), keys.lookup, today, State.ANSWERED, "We have read what you sent.")
        sealed[reply.id] = seal_reply(reply, keys.recipient)
        entries.append(entry_of(reply.id, keys.lookup, sealed[reply.id], today + timedelta(days=90)))
    gateway = home.load().gateway
    contents = BundleList(
        gateway=GatewayId(gateway),
        serial=1,
        issued=today,
        expires=today + timedelta(days=30),
        counters=None,
        grants=(),
        replies=tuple(sorted(entries, key=lambda entry: entry.id)),
        tombstones=(),
    )
    store = ReplyStore(home.reply_store)
    store.accept(sign_bundle(contents, sealed, desk), gateway=gateway, min_serial=None, today=today)
    store.delete(return_secrets(words[1], KIND).lookup)
    return words[0], words[1]


def _compare(port: int, rounds: int, answered: str, deleted: str) -> None:
    times: dict[str, list[float]] = {"unknown words": [], "a case without answer": [], "a case with one answer": []}
    for _ in range(rounds):
        for name, words in zip(times, (new_receipt_words().return_words, deleted, answered), strict=True):
            times[name].append(_come_back(port, words))
    print(f"/return, {rounds} requests of each, in turn; milliseconds")
    print(f"{'':<24}{'median':>9}{'mean':>9}{'deviation':>11}{'least':>9}")
    for name, found in times.items():
        numbers = [statistics.median(found), statistics.fmean(found), statistics.pstdev(found), min(found)]
        print(f"{name:<24}{numbers[0]:9.1f}{numbers[1]:9.1f}{numbers[2]:11.1f}{numbers[3]:9.1f}")


def _come_back(port: int, words: str) -> float:
    boundary = secrets.token_hex(12)
    body = f'--{boundary}\r\nContent-Disposition: form-data; name="words"\r\n\r\n{words}\r\n--{boundary}--\r\n'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    connection.request("POST", "/return", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    answer = connection.getresponse()
    answer.read()
    took = 1000 * (time.perf_counter() - started)
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the gateway answered {answer.status}")
    return took


if __name__ == "__main__":
    sys.exit(main())
