"""Keys that are changed, lost or stolen: every way back that docs/keys.md describes, walked on real homes.

Invariants T12, K6 and K7.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from desk.arrival.opening import OpenPacket
from disk import durable
from disk.lock import exclusive
from enveis.commands.diode import LINK_LOCK
from enveis.demo.two_machines import RunningGateway, TwoMachines, free_port
from enveis.main import main
from gateway.home.config import GatewayConfig
from gateway.home.home import GatewayHome
from keys.generation import sign_recipients
from keys.identity import generate_identity, read_identities
from keys.recipient import KeyKind, encode_recipients, sealed_to
from keys.signing import SigningKey, parse_signing_key
from tests.worlds.spooled import spooled
from tests.worlds.two_homes import TwoHomes
from tests.worlds.waiting import WATCHDOG
from transfer.batch.batch import GatewayId
from transfer.head_statement import (
    HeadStatement,
    StatementError,
    encode_statement,
    sign_statement,
    verify_statement,
)
from transfer.names import PacketId


@pytest.fixture
def homes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> TwoHomes:
    return TwoHomes(tmp_path, capsys, "--classic")


def rotate(homes: TwoHomes, name: str = "backup-2.txt", *more: object) -> Any:
    return homes.call("desk", "recipients", "--new", "--backup", homes.root / name, *more, home=homes.high)


def take_recipients(homes: TwoHomes, *, status: int = 0) -> str:
    return homes.say("gateway", "recipients", homes.high / "recipients.txt", "--yes", home=homes.low, status=status)


def test_two_generations_open(homes: TwoHomes) -> None:
    before = homes.put("to the first")
    made = rotate(homes)
    assert made["generation"] == 2
    between = homes.put("the gateway does not know yet")
    said = take_recipients(homes)
    assert "generation 2. A running gateway still uses what it read when it started: restart it now." in said
    after = homes.put("to the second")
    homes.export()
    assert sorted(homes.take()["batches"][0]["arrived"]) == sorted([before, between, after])
    for packet, text in ((before, "to the first"), (between, "not know yet"), (after, "to the second")):
        opened = homes.say("desk", "open", packet, home=homes.high)
        assert text in opened
        assert ("sealed to generation 1" in opened) == (packet != after)
    manifest = homes.call("desk", "open", after, "--to", homes.root / "again", home=homes.high)["manifest"]
    assert manifest["sealed_to"] == made["name"] == sealed_to(GatewayHome(homes.low).load().recipients)
    rows = homes.call("desk", "recipients", home=homes.high)
    assert [(row["generation"], row["state"]) for row in rows] == [(2, "current"), (1, "earlier")]
    assert "recipients-changed" in homes.events(homes.low)
    assert "recipients-changed" in homes.events(homes.high)
    assert "is already in use" in take_recipients(homes)
    assert homes.events(homes.low).count("recipients-changed") == 1


def test_the_new_backup_opens_what_is_sealed_now_and_the_old_one_does_not(homes: TwoHomes) -> None:
    rotate(homes)
    rows = homes.call("keys", "rehearse", "--backup", homes.root / "backup-2.txt", home=homes.high)
    assert [row["test packet"] for row in rows] == ["opens it"] * 2
    said = homes.say("keys", "rehearse", "--backup", homes.backup, home=homes.high, status=1)
    assert "make new copies" in said
    assert len(read_identities(homes.high / "identity.txt", lambda: "")) == 2


def test_a_gateway_never_goes_back(homes: TwoHomes) -> None:
    for name in ("recipients.txt", "recipients.txt.minisig"):
        shutil.copy(homes.high / name, homes.card)
    rotate(homes)
    take_recipients(homes)
    said = homes.say("gateway", "recipients", homes.card / "recipients.txt", "--yes", home=homes.low, status=1)
    assert "generation 1, and generation 2 is here: there is no way back" in said
    assert homes.events(homes.low).count("recipients-changed") == 1


def test_only_what_the_desk_signed_is_taken(homes: TwoHomes) -> None:
    before = (homes.low / "recipients.txt").read_bytes()
    path = homes.card / "recipients.txt"
    path.write_text(f"{generate_identity(KeyKind.CLASSIC).recipient}\n")
    arguments = ["gateway", "recipients", path, "--yes"]
    assert "recipients.txt.minisig: cannot be read" in homes.say(*arguments, home=homes.low, status=1)
    shutil.copy(homes.high / "recipients.txt.minisig", homes.card)
    assert "does not match what was signed" in homes.say(*arguments, home=homes.low, status=1)
    key = SigningKey.generate()
    signature = key.sign(path.read_bytes(), trusted_comment="enveis-recipients v1 2 x")
    path.with_name("recipients.txt.minisig").write_text(signature)
    said = homes.say(*arguments, home=homes.low, status=1)
    assert "made by another key" in said
    assert said.count("\n") == 1
    assert (homes.low / "recipients.txt").read_bytes() == before
    # At the beginning too: a signature that is there has to hold.
    init = ["gateway", "init", "--recipients", path, "--desk-key", homes.high / "desk.pub"]
    homes.say(*init, home=homes.root / "other", status=1)
    assert not (homes.root / "other").exists()


def test_nothing_is_taken_without_comparing(homes: TwoHomes) -> None:
    rotate(homes)
    before = (homes.low / "recipients.txt").read_bytes()
    said = homes.say("gateway", "recipients", homes.high / "recipients.txt", home=homes.low, status=2)
    assert "Fingerprint words: " in said
    assert (homes.low / "recipients.txt").read_bytes() == before
    words = homes.call("keys", "show", home=homes.high)[0]["fingerprint words"]
    assert words in said


def test_two_files_of_one_generation_are_an_alarm(homes: TwoHomes, tmp_path: Path) -> None:
    take_recipients(homes)
    other = tmp_path / "other-desk"
    shutil.copytree(homes.high, other)
    rotate(homes)
    take_recipients(homes)
    homes.call("desk", "recipients", "--new", home=other)
    said = homes.say("gateway", "recipients", other / "recipients.txt", "--yes", home=homes.low, status=1)
    assert "two different files as generation 2" in said


def test_rotation_keeps_the_passphrase(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p").write_text("correct horse battery staple\n")
    (tmp_path / "wrong").write_text("incorrect horse battery staple\n")
    homes = TwoHomes(tmp_path, capsys, "--classic", "--passphrase-file", str(tmp_path / "p"))
    before = (homes.high / "identity.txt").read_bytes()
    new = ["desk", "recipients", "--new", "--passphrase-file"]
    assert "wrong passphrase" in homes.say(*new, tmp_path / "wrong", home=homes.high, status=1)
    assert (homes.high / "identity.txt").read_bytes() == before
    homes.call(*new, tmp_path / "p", "--backup", tmp_path / "b2", home=homes.high)
    for path in (homes.high / "identity.txt", tmp_path / "b2"):
        assert path.read_bytes().startswith(b"age-encryption.org/v1")
    assert len(read_identities(homes.high / "identity.txt", lambda: "correct horse battery staple")) == 2
    said = homes.say(*new, tmp_path / "p", "--backup", tmp_path / "b2", home=homes.high, status=1)
    assert "already exists" in said


def test_a_crash_in_a_rotation_leaves_a_desk_that_opens_and_says_what_to_do(
    homes: TwoHomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    packet = homes.put()
    homes.export()
    homes.take()
    name, real = "desk.custody.generations.replace", durable.replace
    for survived in range(4):
        done: list[Path] = []

        def dying(path: Path, pieces: Any, survived: int = survived, done: list[Path] = done) -> None:
            if len(done) == survived:
                raise KeyboardInterrupt
            done.append(path)
            real(path, pieces)

        monkeypatch.setattr(name, dying)
        homes.say("desk", "recipients", "--new", home=homes.high, status=130)
        monkeypatch.setattr(name, real)
        if survived == 3:  # recipients.txt is new, its signature is not
            assert "--sign" in homes.say("desk", "recipients", home=homes.high, status=1)
            homes.call("desk", "recipients", "--sign", home=homes.high)
        assert homes.call("desk", "recipients", home=homes.high)[0]["state"] == "current"
        homes.say("keys", "rehearse", "--backup", homes.backup, home=homes.high, status=0 if survived < 3 else 1)
        homes.say("desk", "open", packet, "--to", homes.root / f"opened-{survived}", home=homes.high)
    assert rotate(homes)["generation"] == 3


def test_a_crash_while_recipients_are_taken_is_completed_by_the_next_call(
    homes: TwoHomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(homes)
    real, calls = durable.replace, [0]

    def dying(path: Path, pieces: Any) -> None:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        real(path, pieces)

    monkeypatch.setattr("gateway.home.desk_trust.replace", dying)
    homes.say("gateway", "recipients", homes.high / "recipients.txt", "--yes", home=homes.low, status=130)
    monkeypatch.setattr("gateway.home.desk_trust.replace", real)
    assert GatewayHome(homes.low).load().recipients  # it starts all the same
    assert "Packets will be sealed to generation 2" in take_recipients(homes)
    assert "is already in use" in take_recipients(homes)


def test_a_packet_for_recipients_that_nobody_knows_is_reported(homes: TwoHomes) -> None:
    spare = generate_identity(KeyKind.CLASSIC).recipient
    with (homes.low / "recipients.txt").open("a") as stream:
        stream.write(f"{spare}\n")  # what an owned gateway may do
    packet = homes.put()
    checked = {row["what"]: row["state"] for row in homes.call("gateway", "check", home=homes.low, status=1)}
    assert checked["signed by the desk"].startswith("no")
    homes.export()
    homes.take()
    said = homes.say("desk", "open", packet, home=homes.high)
    assert "recipients that this desk never made: somebody else may be able to open it too" in said


# The gateway's key


def head_file(homes: TwoHomes, *, gateway: str = "") -> Path:
    path = homes.card / "last-head.json"
    for old in homes.card.glob("last-head*"):
        old.unlink()
    homes.say("desk", "head", gateway or homes.gateway, "--to", path, home=homes.high)
    return path


def rekey(homes: TwoHomes, *more: str, status: int = 0) -> str:
    return homes.say("gateway", "rekey", homes.card / "last-head.json", "--yes", *more, home=homes.low, status=status)


def pair_again(homes: TwoHomes, old: str, *, status: int = 0) -> str:
    pairing = homes.low / "gateway.pairing"
    return homes.say("desk", "pair", pairing, "--replaces", old, "--yes", home=homes.high, status=status)


def test_a_stolen_gateway_key(homes: TwoHomes) -> None:
    old = homes.gateway
    secret = (homes.low / "gateway.key").read_text()
    settled = homes.put("in batch 1, acknowledged")
    homes.export()
    homes.acknowledge(homes.take())
    homes.say("audit", "rotate", home=homes.low)  # exports and the desk's copy continue across it
    twice = homes.put("in batch 2, which arrives; its words never come back")
    homes.export()
    homes.take()
    lost = homes.put("in batch 3, whose stick is lost")
    shutil.rmtree(homes.export()[-1])
    waiting = homes.put("in no batch yet")

    head_file(homes)
    said = rekey(homes)
    new = homes.gateway
    assert new != old
    assert f"This is now gateway {new}, which replaces {old}" in said
    assert "lines after the one that the desk trusts; nothing vouches for them" in said
    assert secret not in "".join(path.read_text(errors="replace") for path in homes.low.rglob("*") if path.is_file())
    assert homes.events(homes.low) == ["log-started", "keys-created", "chain-continues"]
    assert "is now trusted" in pair_again(homes, old)

    # The old key is no longer trusted: nothing on a stick of the old key is imported.
    assert "is not that of a gateway paired here" in str(homes.take(status=1)["refused"])
    for bag in homes.stick.iterdir():
        shutil.rmtree(bag)
    (bag,) = homes.export()
    assert new in bag.name
    answer = homes.take()
    assert sorted(answer["batches"][0]["arrived"]) == sorted([twice, lost, waiting])
    assert answer["batches"][0]["duplicates"] == [twice]
    homes.acknowledge(answer)
    assert not spooled(homes.low / "spool")
    assert {path.stem for path in (homes.high / "inbox").glob("*.age")} == {settled, twice, lost, waiting}

    rows = {row["gateway"]: row for row in homes.call("desk", "gateways", home=homes.high)}
    assert (rows[old]["state"], rows[new]["state"]) == ("no longer trusted", "trusted")
    line = rows[old]["lines of its log"]
    assert rows[new]["succession"] == f"continues {old} after its last line here, {line}"
    # The desk kept what the old key signed: its copy of the old log is checked with nothing else.
    copy, heads = (homes.high / "gateways" / f"{old}.{kind}" for kind in ("audit.jsonl", "heads"))
    key = homes.low / "former" / old / "gateway.pub"
    said = homes.say("audit", "verify", copy, "--key", key, "--heads", heads, home=homes.high)
    assert "Signed heads that were compared: 2" in said
    kept = homes.low / "former" / old
    assert {path.name for path in kept.iterdir()} >= {"audit.jsonl", "gateway.pub", "outbox.sqlite"}
    said = homes.say("audit", "verify", kept / "audit.jsonl", home=homes.low)
    assert "form one chain" in said
    desk_events = homes.events(homes.high)
    assert [event for event in desk_events if event in {"head-stated", "gateway-paired", "gateway-distrusted"}][1:] == [
        "head-stated",
        "gateway-paired",
        "gateway-distrusted",
    ]


def test_a_key_that_is_lost_with_its_machine(homes: TwoHomes) -> None:
    old = homes.gateway
    homes.put()
    homes.export()
    homes.take()
    path = head_file(homes)
    shutil.rmtree(homes.low)
    files = ["--recipients", homes.high / "recipients.txt", "--desk-key", homes.high / "desk.pub"]
    homes.say("gateway", "init", *files, "--continues", path, home=homes.low)
    assert homes.events(homes.low) == ["log-started", "keys-created", "chain-continues"]
    pair_again(homes, old)
    succession = {row["gateway"]: row["succession"] for row in homes.call("desk", "gateways", home=homes.high)}
    assert succession[homes.gateway] == f"replaces {old}; nothing of it has arrived yet"
    packet = homes.put()
    shutil.rmtree(homes.stick)
    homes.stick.mkdir()
    homes.export()
    assert homes.take()["batches"][0]["arrived"] == [packet]
    assert "continues" in str(homes.call("desk", "gateways", home=homes.high))


def test_a_lost_key_in_a_home_that_is_left(homes: TwoHomes) -> None:
    head_file(homes)
    (homes.low / "gateway.key").unlink()
    assert "cannot be read" in homes.say("transfer", "export", "--own-disk", homes.stick, home=homes.low, status=1)
    rekey(homes)
    homes.put()
    assert len(homes.export()) == 1


def test_a_damaged_key_is_replaced_like_a_lost_one(homes: TwoHomes) -> None:
    homes.put()
    homes.export()
    homes.take()
    old = homes.gateway
    head_file(homes)
    (homes.low / "gateway.key").write_text("untrusted comment: x\nnothing that could be a key\n")
    rekey(homes)
    assert GatewayHome(homes.low).load().gateway == homes.gateway != old


def test_a_log_that_was_emptied_is_no_chain(homes: TwoHomes) -> None:
    log = homes.low / "audit.jsonl"
    for content in (b"", b"\0" * 5000):
        log.write_bytes(content)
        assert "a log is never empty" in homes.say("audit", "verify", home=homes.low, status=1)
        assert len(homes.call("audit", "verify", home=homes.low, status=1)["faults"]) == 1


# The gateway's log and ledger


def one_sentence(said: str, *words: str) -> None:
    """What is refused is refused in one line, at the end."""
    *_, last = said.splitlines()
    assert said.count("enveis: ") == 1, said
    assert last.startswith("enveis: ")
    assert "fault in Enveis" not in last
    for word in words:
        assert word in last


def lose_signed_lines(homes: TwoHomes) -> None:
    """Damage lines that batch 2 signed, and let them go as docs/audit.md says."""
    log = homes.low / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) == 6
    log.write_bytes(b"".join(lines[:2]) + b"x" * 300 + b"\n" + b"y\n")
    homes.say("audit", "recover", "--yes", home=homes.low)


def test_a_log_that_lost_signed_lines_is_left_behind(homes: TwoHomes) -> None:
    old = homes.gateway
    settled = homes.put("in batch 1, acknowledged")
    homes.export()
    homes.acknowledge(homes.take())
    twice = homes.put("in batch 2, which arrives; its words never come back")
    homes.export()  # signs lines 1 to 5
    homes.take()
    lose_signed_lines(homes)
    waiting = homes.put("in no batch yet")
    for command in (["export", homes.stick], ["status"], ["discard"], ["reexport", "2", homes.root / "card"]):
        said = homes.say("transfer", *command, home=homes.low, status=1)
        one_sentence(said, "no longer has line 5 as batch 2 signed it", "new key")

    head_file(homes)
    one_sentence(rekey(homes, status=1), "does not contain line 5, which the desk trusts", "--log-lost")
    assert homes.gateway == old
    left = (homes.low / "audit.jsonl").read_bytes()
    said = rekey(homes, "--log-lost")
    assert "The old log no longer has the line that the desk trusts" in said
    new = homes.gateway
    assert new != old
    rows = homes.call("audit", "show", home=homes.low)
    assert [row["event"] for row in rows] == ["log-started", "keys-created", "chain-continues", "log-lost"]
    assert rows[3]["details"] == {"digest": hashlib.sha256(left).hexdigest()}
    assert (homes.low / "former" / old / "audit.jsonl").read_bytes() == left
    pair_again(homes, old)
    shutil.rmtree(homes.stick)
    homes.stick.mkdir()
    homes.export()
    answer = homes.take()
    assert sorted(answer["batches"][0]["arrived"]) == sorted([twice, waiting])
    homes.acknowledge(answer)
    assert not spooled(homes.low / "spool")
    assert {path.stem for path in (homes.high / "inbox").glob("*.age")} == {settled, twice, waiting}
    succession = {row["gateway"]: row["succession"] for row in homes.call("desk", "gateways", home=homes.high)}
    assert succession[new] == f"continues {old} after its last line here, 5"


def test_a_log_that_is_whole_is_not_reported_as_lost(homes: TwoHomes) -> None:
    homes.put()
    homes.export()
    homes.take()
    old = homes.gateway
    head_file(homes)
    one_sentence(rekey(homes, "--log-lost", status=1), "without --log-lost")
    assert homes.gateway == old


def test_a_key_is_changed_beside_a_log_that_cannot_be_written(homes: TwoHomes) -> None:
    """The line that the desk trusts is there; only what came after it is spoilt."""
    homes.put()
    homes.export()
    homes.take()
    with (homes.low / "audit.jsonl").open("ab") as stream:
        stream.write(b"no line\n")
    one_sentence(homes.say("transfer", "status", home=homes.low, status=1), "enveis audit recover")
    old = homes.gateway
    head_file(homes)
    rekey(homes)
    assert homes.gateway != old
    assert (homes.low / "former" / old / "audit.jsonl").read_bytes().endswith(b"no line\n")


def test_a_log_that_is_cut_while_a_batch_is_made_makes_none(homes: TwoHomes) -> None:
    """Another process may have checked the log, or this one long ago: whoever makes a batch checks it again."""
    from enveis.wiring import low_side
    from transfer.errors import LedgerError
    from transfer.low_side.draft import draft_batch

    homes.put()
    homes.export()
    low = low_side(GatewayHome(homes.low))
    log = homes.low / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0])
    with pytest.raises(LedgerError, match="no longer has line 2 as batch 1 signed it"):
        draft_batch(low)
    # Another line in its place, and of the right number.
    log.write_bytes(lines[0] + lines[1].replace(b"keys-created", b"desk-key-changed"))
    with pytest.raises(LedgerError, match="no longer has line 2 as batch 1 signed it"):
        draft_batch(low)


@pytest.mark.parametrize("empty", [False, True])
def test_a_gateways_ledger_that_is_lost_is_never_begun_again(homes: TwoHomes, *, empty: bool) -> None:
    """It would give the number of batch 1 to another batch, and the desk would see two histories for ever."""
    packet = homes.put()
    homes.export()
    answer = homes.take()
    old = homes.gateway
    ledger = homes.low / "outbox.sqlite"
    ledger.unlink()
    if empty:
        ledger.touch()
    words = answer["batches"][0]["words"].split()
    for command in (["status"], ["export", homes.stick], ["acknowledge", *words], ["discard"], ["resend", "1"]):
        said = homes.say("transfer", *command, home=homes.low, status=1)
        one_sentence(said, f"outbox.sqlite is {'empty' if empty else 'missing'}", "gateway rekey")
    assert ledger.exists() == empty
    head_file(homes)
    rekey(homes)
    pair_again(homes, old)
    shutil.rmtree(homes.stick)
    homes.stick.mkdir()
    homes.export()
    answer = homes.take()
    assert answer["batches"][0]["duplicates"] == [packet]
    homes.acknowledge(answer)
    assert not spooled(homes.low / "spool")
    homes.say("transfer", "status", home=homes.high)  # no alarm


def test_an_older_ledger_brought_back_is_refused(homes: TwoHomes) -> None:
    ledger = homes.low / "outbox.sqlite"
    before = ledger.read_bytes()
    homes.put()
    homes.export()
    newest = ledger.read_bytes()
    ledger.write_bytes(before)
    for command in (["status"], ["export", homes.stick]):
        said = homes.say("transfer", *command, home=homes.low, status=1)
        one_sentence(said, "older than the log, which has the export of batch 1", "new key")
    ledger.write_bytes(newest)
    assert "waits for acknowledgement words" in homes.say("transfer", "status", home=homes.low, status=3)


@pytest.mark.parametrize("content", [None, b"", b"\0" * 500])
def test_a_gateway_whose_log_was_lost_does_not_start(homes: TwoHomes, content: bytes | None) -> None:
    log = homes.low / "audit.jsonl"
    log.unlink()
    if content is not None:
        log.write_bytes(content)
    serve = [sys.executable, "-m", "enveis", "--home", str(homes.low), "gateway", "serve", "--listen", "127.0.0.1:0"]
    done = subprocess.run(serve, capture_output=True, text=True, check=False, timeout=WATCHDOG)
    assert done.returncode == 1
    said = next(line for line in done.stderr.splitlines(keepends=True) if line.startswith("enveis: "))
    one_sentence(said, "has no line left", "gateway rekey")
    one_sentence(homes.say("transfer", "status", home=homes.low, status=1), "has no line left")
    assert (log.read_bytes() if log.exists() else None) == content
    old = homes.gateway
    head_file(homes)
    rekey(homes)  # nothing of it ever came to the desk, so nothing that the desk trusts is lost
    assert homes.gateway != old


def test_a_log_that_is_emptied_under_a_running_gateway_begins_no_second_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The source's packet is safe and its receipt true; no second line 1 is written, and nothing leaves."""
    machines = TwoMachines(tmp_path / "machines")
    machines.prepare(GatewayConfig(inspection=False, tick_seconds=1))
    low = machines.low
    with RunningGateway(machines, "127.0.0.1", free_port("127.0.0.1")) as gateway:
        gateway.submit([("message", "one")], [])
        low.audit.write_bytes(b"")
        assert gateway.submit([("message", "two")], [])["receipt"]
    assert low.audit.read_bytes() == b""
    assert len(spooled(low.spool)) == 2
    assert main(["--home", str(low.root), "transfer", "export", "--own-disk", str(machines.stick)]) == 1
    assert "has no line left" in capsys.readouterr().err


def test_shares_of_two_splittings_never_lie_side_by_side(homes: TwoHomes) -> None:
    folder = homes.root / "shares"
    homes.say("keys", "split", "--to", folder, home=homes.high)
    (folder / "share-1.txt").unlink()
    assert "no share was written" in homes.say("keys", "split", "--to", folder, home=homes.high, status=1)
    assert sorted(path.name for path in folder.iterdir()) == ["share-2.txt", "share-3.txt"]


def test_a_successor_that_continues_nothing_is_an_alarm(homes: TwoHomes, tmp_path: Path) -> None:
    old = homes.gateway
    homes.put()
    homes.export()
    homes.take()
    shutil.rmtree(homes.low)
    files = ["--recipients", homes.high / "recipients.txt", "--desk-key", homes.high / "desk.pub"]
    homes.say("gateway", "init", *files, home=homes.low)
    pair_again(homes, old)
    shutil.rmtree(homes.stick)
    homes.stick.mkdir()
    homes.put()
    homes.export()
    homes.take()
    said = homes.say("desk", "gateways", home=homes.high, status=1)
    assert f"ALARM: replaces {old}, but does not say so in its log" in said
    assert "does not say so in its log" in homes.say("transfer", "status", home=homes.high, status=3)


def test_a_head_that_the_desk_does_not_have_is_an_alarm(homes: TwoHomes) -> None:
    old = homes.gateway
    homes.put()
    homes.export()
    homes.take()
    head_file(homes)
    rekey(homes)
    pair_again(homes, old)
    shutil.rmtree(homes.stick)
    homes.stick.mkdir()
    homes.put()
    homes.export()
    homes.take()
    (homes.high / "gateways" / f"{old}.audit.jsonl").unlink()
    assert "a line that this desk does not have" in homes.say("desk", "gateways", home=homes.high, status=1)


def test_a_rekey_that_cannot_be_changes_nothing(homes: TwoHomes, tmp_path: Path) -> None:
    homes.put()
    homes.export()
    homes.take()
    path = head_file(homes)
    before = {one: one.read_bytes() for one in homes.low.rglob("*") if one.is_file()}

    def same() -> bool:
        locks = {one: content for one, content in before.items() if one.suffix == ".lock"}
        now = [one for one in homes.low.rglob("*") if one.is_file() and one.suffix != ".lock"]
        return before == {one: one.read_bytes() for one in now} | locks

    assert "it says where the old log ends" in homes.say("gateway", "rekey", home=homes.low, status=2)
    assert "no terminal to ask on" in homes.say("gateway", "rekey", path, home=homes.low, status=2)
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"line": ', b'"line": 1'))
    assert "does not match what was signed" in rekey(homes, status=1)
    path.write_bytes(text)
    # Signed, but of another gateway, and of a line that is not in the log.
    key = parse_signing_key((homes.high / "desk.key").read_text())
    statement = verify_statement(text, path.with_name(path.name + ".minisig").read_text(), key.public)
    for changed, words in (
        (HeadStatement(GatewayId("0" * 16), statement.head, statement.day), "is of gateway 0000"),
        (
            HeadStatement(statement.gateway, type(statement.head)(statement.head.seq, "ab" * 32), statement.day),
            "does not contain line",
        ),
    ):
        path.write_bytes(encode_statement(changed))
        path.with_name(path.name + ".minisig").write_text(sign_statement(changed, key))
        assert words in rekey(homes, status=1)
    assert same()


def test_a_statement_is_only_what_the_desk_signed_as_one(homes: TwoHomes) -> None:
    path = head_file(homes)
    key = parse_signing_key((homes.high / "desk.key").read_text())
    text = path.read_bytes()
    for signature, words in (
        (key.sign(text, trusted_comment="enveis-bundle v1 x 1"), "not made for this statement"),
        (SigningKey.generate().sign(text, trusted_comment="x"), "another key"),
        ("", "not a minisign signature"),
    ):
        with pytest.raises(StatementError, match=words):
            verify_statement(text, signature, key.public)
    for wrong in (b"{}", b"[]", text.replace(b'"version": 1', b'"version": 2'), text + b" x"):
        with pytest.raises(StatementError):
            verify_statement(wrong, key.sign(wrong, trusted_comment="enveis-head v1 x 0"), key.public)


class Dying:
    """Lets so many changes below a folder pass, then the process ends."""

    NAMES = ("rename", "replace", "rmdir", "unlink")

    def __init__(self, folder: Path, survived: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._left = folder, survived
        for name in self.NAMES:
            monkeypatch.setattr(Path, name, self._wrapped(getattr(Path, name)))

    def _wrapped(self, real: Any) -> Any:
        def call(path: Path, *arguments: Any, **more: Any) -> Any:
            if path.is_relative_to(self._folder):
                if self._left == 0:
                    raise KeyboardInterrupt
                self._left -= 1
            return real(path, *arguments, **more)

        return call


def check_rekeyed(homes: TwoHomes, old: str, packets: set[str]) -> None:
    assert homes.gateway != old
    assert not (homes.low / ".new-key").exists()
    assert homes.events(homes.low) == ["log-started", "keys-created", "chain-continues"]
    log = homes.low / "former" / old / "audit.jsonl"
    assert "form one chain" in homes.say("audit", "verify", log, home=homes.low)
    assert set(spooled(homes.low / "spool")) == packets
    assert GatewayHome(homes.low).load().gateway == homes.gateway


def test_a_crash_at_any_step_of_a_rekey_is_completed(homes: TwoHomes, tmp_path: Path) -> None:
    packets = {str(homes.put())}
    homes.export()
    homes.take()
    homes.say("audit", "rotate", home=homes.low)
    packets |= {str(homes.put()), str(homes.put())}
    old = homes.gateway
    head_file(homes)
    whole = tmp_path / "whole"
    shutil.copytree(homes.low, whole)
    survived, status = 0, 130
    while status == 130:
        shutil.rmtree(homes.low)
        shutil.copytree(whole, homes.low)
        with pytest.MonkeyPatch.context() as patch:
            Dying(homes.low, survived, patch)
            status = main(["--home", str(homes.low), "gateway", "rekey", str(homes.card / "last-head.json"), "--yes"])
        homes.forget_output()
        if (homes.low / ".new-key").exists():
            assert "interrupted" in homes.say("transfer", "export", "--own-disk", homes.stick, home=homes.low, status=1)
            homes.say("gateway", "rekey", home=homes.low)
        elif homes.gateway == old:
            rekey(homes)
        check_rekeyed(homes, old, packets)
        survived += 1
    assert status == 0
    assert survived > 8


def test_no_key_is_changed_beside_who_works_with_the_old_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a gateway logs while its log is retired would be lost; a sender would continue to sign with the old key."""
    machines = TwoMachines(tmp_path / "machines")
    machines.prepare(GatewayConfig(inspection=False, tick_seconds=1))
    low = machines.low
    old = low.load().gateway
    statement = tmp_path / "last-head.json"
    assert main(["--home", str(machines.high.root), "desk", "head", old, "--to", str(statement)]) == 0
    command = ["--home", str(low.root), "gateway", "rekey", str(statement), "--yes"]
    with RunningGateway(machines, "127.0.0.1", free_port("127.0.0.1")):
        assert main(command) == 1
    assert "'enveis gateway serve' is using this home: stop it first" in capsys.readouterr().err
    with exclusive(low.root / LINK_LOCK):
        assert main(command) == 1
    assert "'enveis transfer send' is using this home: stop it first" in capsys.readouterr().err
    assert low.load().gateway == old
    serve = [sys.executable, "-m", "enveis", "--home", str(low.root), "gateway", "serve", "--listen", "127.0.0.1:0"]
    with exclusive(low.serving):
        done = subprocess.run(serve, capture_output=True, text=True, check=False, timeout=WATCHDOG)
    assert (done.returncode, "is being changed just now" in done.stderr) == (1, True)
    assert main(command) == 0
    assert low.load().gateway != old


def test_a_gateway_may_be_distrusted_before_it_has_a_successor(homes: TwoHomes) -> None:
    homes.put()
    homes.export()
    said = homes.say("desk", "distrust", homes.gateway[:6], home=homes.high, status=2)
    assert "have not been imported will be refused" in said
    assert "is no longer trusted" in homes.say("desk", "distrust", homes.gateway[:6], "--yes", home=homes.high)
    assert homes.take(status=1)["batches"] == []
    assert "no such gateway" in homes.say("desk", "distrust", "0000", "--yes", home=homes.high, status=1)
    assert "was not trusted" in homes.say("desk", "distrust", homes.gateway, "--yes", home=homes.high)
    assert "itself" in pair_again(homes, homes.gateway, status=1)
    # A mistake can be undone: the same pairing, compared again.
    homes.say("desk", "pair", homes.low / "gateway.pairing", "--yes", home=homes.high)
    assert len(homes.take()["batches"]) == 1


# The desk's key


def test_a_stolen_desk_key(homes: TwoHomes) -> None:
    thief = parse_signing_key((homes.high / "desk.key").read_text())
    take_recipients(homes)
    assert "no terminal to ask on" in homes.say("desk", "rekey", home=homes.high, status=2)
    renewed = homes.call("desk", "rekey", "--yes", home=homes.high)
    assert renewed["generation"] == 1
    # The gateway does not trust the new key by itself.
    assert "another key" in take_recipients(homes, status=1)
    said = homes.say("gateway", "desk-key", homes.high / "desk.pub", home=homes.low, status=2)
    assert renewed["fingerprint"] in said
    said = homes.say("gateway", "desk-key", homes.high / "desk.pub", "--yes", home=homes.low)
    assert "--min-serial" in said
    assert "Packets will be sealed to generation 1" in take_recipients(homes)
    assert "is already trusted" in homes.say("gateway", "desk-key", homes.high / "desk.pub", "--yes", home=homes.low)
    # What the thief signs is not taken any more, whatever its number.
    mine = [generate_identity(KeyKind.CLASSIC).recipient]
    (homes.card / "recipients.txt").write_bytes(encode_recipients(mine))
    (homes.card / "recipients.txt.minisig").write_text(sign_recipients(mine, number=99, key=thief))
    said = homes.say("gateway", "recipients", homes.card / "recipients.txt", "--yes", home=homes.low, status=1)
    assert "another key" in said
    assert len(list((homes.high / "former").glob("desk-*.pub"))) == 1
    assert "desk-key-changed" in homes.events(homes.low)
    assert "desk-key-changed" in homes.events(homes.high)
    homes.put()
    homes.export()
    assert len(homes.take()["batches"][0]["arrived"]) == 1


def test_a_lost_desk_key(homes: TwoHomes) -> None:
    for name in ("desk.key", "desk.pub"):
        (homes.high / name).unlink()
    assert "desk.pub: cannot be read" in homes.say("desk", "recipients", home=homes.high, status=1)
    homes.say("desk", "rekey", "--yes", home=homes.high)
    homes.say("gateway", "desk-key", homes.high / "desk.pub", "--yes", home=homes.low)
    take_recipients(homes)
    assert rotate(homes)["generation"] == 2
    assert "generation 2" in take_recipients(homes)


def test_a_wrong_desk_key_file_is_one_sentence(homes: TwoHomes) -> None:
    said = homes.say("gateway", "desk-key", homes.high / "recipients.txt", "--yes", home=homes.low, status=1)
    assert said.count("\n") == 1
    assert "desk-key-changed" not in homes.events(homes.low)


def test_a_lost_identity_comes_back_from_shares_or_backup(homes: TwoHomes) -> None:
    packet = homes.put("still readable")
    homes.export()
    files = homes.call("keys", "split", "--to", homes.root / "shares", home=homes.high)["files"]
    (homes.high / "identity.txt").unlink()
    shares = ["--share", files[0], "--share", files[2]]
    homes.take(*shares)
    assert "still readable" in homes.say("desk", "open", packet, *shares, home=homes.high)
    homes.say("keys", "combine", "--to", homes.high / "identity.txt", *shares, home=homes.high)
    homes.say("desk", "open", packet, "--to", homes.root / "again", home=homes.high)
    (homes.high / "identity.txt").unlink()
    shutil.copy(homes.backup, homes.high / "identity.txt")
    (homes.high / "identity.txt").chmod(0o600)
    homes.say("desk", "open", packet, "--to", homes.root / "third", home=homes.high)
    assert homes.events(homes.high).count("keys-joined") == 3


def test_a_running_gateway_changes_at_its_restart(tmp_path: Path) -> None:
    """Two sets of recipients are never used by one process; what it sealed before the change opens too."""
    machines = TwoMachines(tmp_path / "machines")
    machines.prepare(GatewayConfig(inspection=False, tick_seconds=1))
    home = ["--home", str(machines.high.root)]
    before = sealed_to(machines.high.load_recipients())
    port = free_port("127.0.0.1")
    with RunningGateway(machines, "127.0.0.1", port) as gateway:
        gateway.submit([("message", "one")], [])
        assert main([*home, "desk", "recipients", "--new", "--backup", str(tmp_path / "b2")]) == 0
        taken = ["gateway", "recipients", str(machines.high.recipients), "--yes"]
        assert main(["--home", str(machines.low.root), *taken]) == 0
        gateway.submit([("message", "two")], [])
    with RunningGateway(machines, "127.0.0.1", port) as gateway:
        gateway.submit([("message", "three")], [])
    after = sealed_to(machines.high.load_recipients())
    identities = machines.high.load_identities(lambda: "")
    found = {}
    for path in spooled(machines.low.spool).values():
        with OpenPacket(path, PacketId(path.stem), identities) as packet:
            found[packet.message.text] = packet.manifest.sealed_to
    assert found == {"one": before, "two": before, "three": after}
