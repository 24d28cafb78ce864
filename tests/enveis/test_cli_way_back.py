"""The commands of the way back, from `desk reply` to what a source reads, and what each refuses.

Invariants T10, T11, A4 and D3.
"""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from enveis.commands.gateway_bundle import way_back_state
from gateway.home.home import GatewayHome
from keys.signing import SigningKey
from tests.worlds.way_back import Source, WayBackMachines
from transfer.bundle.reply import State
from transfer.packet.manifest import PacketPurpose


@pytest.fixture
def m(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> WayBackMachines:
    return WayBackMachines(tmp_path, capsys, monkeypatch)


@pytest.fixture
def source() -> Source:
    return Source()


def test_a_reply_reaches_its_source_and_nobody_else(m: WayBackMachines, source: Source) -> None:
    other = Source()
    first, others = m.send(source), m.send(other)
    m.desk("reply", first[:8], "--state", "question", typed="Which year was it?\r\n")
    m.desk("reply", others, typed="Thank you.")
    shown = m.accept(m.bundle())
    assert "Bundle 1 of the desk" in shown
    assert "sealed replies: 2 " in shown
    (reply,) = m.read(source)
    assert (reply.state, reply.text) == (State.QUESTION, "Which year was it?")
    assert [reply.text for reply in m.read(other)] == ["Thank you."]
    for path in (p for home in (m.high, m.low) for p in home.rglob("*") if p.is_file()):
        assert b"Which year" not in path.read_bytes(), path
    assert "bundle-made" in (m.high / "audit.jsonl").read_text()
    assert "bundle-accepted" in (m.low / "audit.jsonl").read_text()
    assert "already accepted" in m.accept(m.disc / f"enveis-bundle-{m.gateway}-000001.zip", status=1)


def test_the_gateway_says_which_bundle_it_has(m: WayBackMachines) -> None:
    material = GatewayHome(m.low).load()
    path = GatewayHome(m.low).reply_store
    assert way_back_state(path, material.gateway, material.desk_key) == "no bundle was accepted yet"
    m.accept(m.bundle())
    assert way_back_state(path, material.gateway, material.desk_key).startswith("bundle 1, fresh until 20")
    material = replace(material, desk_key=SigningKey.generate().public)
    assert way_back_state(path, material.gateway, material.desk_key).startswith("UNUSABLE: ")


def test_no_bundle_is_taken_without_a_line_in_the_log(m: WayBackMachines, source: Source) -> None:
    file = m.bundle()
    log = m.low / "audit.jsonl"
    log.write_bytes(log.read_bytes() + b"{}\n")
    assert "audit recover" in m.accept(file, status=1)
    assert m.mailboxes().expires is None
    m.say("audit", "recover", "--yes", "--home", m.low)
    assert "was accepted" in m.accept(file)
    assert m.call("audit", "show", "--home", m.low)[-1]["event"] == "bundle-accepted"


@pytest.mark.parametrize(
    "options",
    [
        ["reply"],
        ["grant", "--files-max", "9", "--file-max", "1G", "--days", "14"],
        ["challenge", "--verifier", "us", "--purpose", "a reward", "--to", "challenge"],
    ],
    ids=lambda options: options[0],
)
def test_no_packet_is_opened_without_a_line_in_the_log(
    m: WayBackMachines, source: Source, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.chdir(m.root)
    packet = m.send(source)
    name, *others = options
    log = m.high / "audit.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b"{}\n")
    assert "audit recover" in m.desk(name, packet, *others, typed="Answer", status=1)
    assert not Path("challenge").exists()
    log.write_bytes(whole)
    m.desk(name, packet, *others, typed="Answer")
    assert f'"event":"packet-opened","packet":"{packet}"' in log.read_text().splitlines()[-1]


def test_a_bundle_lists_itself_before_it_is_signed(m: WayBackMachines, source: Source) -> None:
    m.desk("reply", m.send(source), typed="Answer")
    m.desk("grant", m.call("desk", "inbox", "--home", m.high)[0]["packet"], "--files-max", "40", "--file-max", "2G",
           "--days", "14", "--tables")  # fmt: skip
    m.desk("counters", "--received", "1234", "--bodies", "17", "--officials", "5")
    listed = m.desk("bundle", m.gateway, "--to", m.disc, status=2)
    assert "  new  " in listed
    assert "40 files of 2.0 GiB, and tables, until" in listed
    assert "received 1200, bodies 10, officials 0" in listed
    assert "--yes" in listed
    assert list(m.disc.iterdir()) == []
    m.accept(m.bundle())
    mailboxes = m.mailboxes()
    grant = mailboxes.grant(source.secrets.lookup)
    assert grant is not None
    assert (grant.files_max, grant.file_max_bytes, grant.tables) == (40, 2 * 2**30, True)
    assert str(mailboxes.counters) == "received 1200, bodies 10, officials 0"
    assert "again" in m.desk("bundle", m.gateway, "--to", m.disc, "--yes")


def test_counters_change_once_a_week(m: WayBackMachines) -> None:
    assert "no counters until" in m.desk("counters")
    m.accept(m.bundle())
    assert m.mailboxes().counters is None
    m.desk("counters", "--bodies", "20", "--officials", "30")
    source = Source()
    for _ in range(11):
        m.send(source)
    m.accept(m.bundle())
    m.desk("counters", "--received", "900", "--bodies", "90", "--officials", "90")
    m.accept(m.bundle())
    assert str(m.mailboxes().counters) == "received 10, bodies 20, officials 30"
    assert "give both" in m.desk("counters", "--bodies", "3", status=1)


def test_what_a_source_deleted_stays_deleted(m: WayBackMachines, source: Source) -> None:
    first = m.send(source)
    m.desk("reply", first, typed="One")
    m.accept(m.bundle())
    m.mailboxes().delete(source.secrets.lookup)
    m.desk("reply", first, typed="Two")
    m.accept(m.bundle())
    assert [reply.text for reply in m.read(source)] == ["Two"]
    # The request reaches the desk; a newly installed gateway has no record of it.
    assert f"replies to the case of packet {first} be deleted" in m.desk("open", m.ask(m.deletion(source)))
    (m.low / "way-back.sqlite").unlink()
    third = m.bundle()
    assert "--min-serial" in m.accept(third, status=1)
    assert "older than the 4" in m.accept(third, "--min-serial", "4", status=1)
    assert "deleted replies: 2" in m.accept(third, "--min-serial", "3")
    assert m.read(source) == []


def test_a_request_to_delete_that_nobody_signed_is_not_carried_out(m: WayBackMachines, source: Source) -> None:
    first = m.send(source)
    m.desk("reply", first, typed="One")
    m.accept(m.bundle())
    request = m.ask(m.deletion(source, seed=bytes(32)))
    assert "delete the replies to its case, but it is not signed" in m.desk("open", request)
    m.accept(m.bundle())
    assert len(m.read(source)) == 1


def test_later_visits_belong_or_claim_to(m: WayBackMachines, source: Source) -> None:
    early = m.send(source, PacketPurpose.ADDITION, seed=source.seed)
    assert "no first packet of that case" in m.desk("open", early)
    assert "claims to belong" in m.desk("reply", early, typed="x", status=1)
    first = m.send(source)
    m.desk("open", first)
    assert m.call("desk", "open", early, "--to", m.root / "again", "--home", m.high)["standing"] == {
        "is": "belongs",
        "to": first,
    }
    m.desk("reply", early, typed="To both")
    m.accept(m.bundle())
    assert [reply.text for reply in m.read(source)] == ["To both"]
    unsigned = m.send(source, PacketPurpose.ADDITION)
    assert "CLAIMS TO BELONG" in m.desk("open", unsigned)
    purposes = {row["packet"]: row["purpose"] for row in m.call("desk", "inbox", "--home", m.high)}
    assert purposes == {early: "addition", first: "first", unsigned: "addition"}


def _forger(source: Source, *, signing: str = "") -> Source:
    """Somebody who read a lookup in a bundle, and hands in a receipt of their own with it."""
    forger = Source()
    public, own = source.public, forger.public
    forger.public = type(own)(public.lookup, own.recipient, signing or own.signing, own.proof)
    return forger


def test_who_knows_a_lookup_takes_nothing_from_its_case(m: WayBackMachines, source: Source) -> None:
    forger = _forger(source)
    first = m.send(source)
    m.desk("reply", first, typed="One")
    assert "it is not signed with the key" in m.desk("open", m.send(forger, PacketPurpose.ADDITION, seed=forger.seed))
    forged = m.send(forger)
    m.desk("open", forged)
    m.accept(m.bundle())
    # Both are joined to their own, and who forged cannot have the other's replies deleted.
    for sender, case in ((source, first), (forger, forged)):
        later = m.send(sender, PacketPurpose.ADDITION, seed=sender.seed)
        assert m.call("desk", "open", later, "--home", m.high)["standing"] == {"is": "belongs", "to": case}
    m.desk("open", m.ask(m.deletion(forger)))
    m.accept(m.bundle())
    assert [reply.text for reply in m.read(source)] == ["One"]
    m.desk("open", m.ask(m.deletion(source)))
    m.accept(m.bundle())
    assert m.read(source) == []


def test_one_key_with_two_recipients_joins_nothing(m: WayBackMachines, source: Source) -> None:
    """What a gateway could do that saw a later visit: a first packet with the same key, and replies sealed to it."""
    m.desk("open", m.send(source))
    m.desk("open", m.send(_forger(source, signing=source.public.signing)))
    later = m.send(source, PacketPurpose.ADDITION, seed=source.seed)
    assert "a gateway made one of them up" in m.desk("open", later)


def test_a_receipt_that_began_two_packets_deletes_the_replies_to_both(m: WayBackMachines, source: Source) -> None:
    for text, packet in (("One", m.send(source)), ("Two", m.send(source))):
        m.desk("reply", packet, typed=text)
    m.accept(m.bundle())
    assert {reply.text for reply in m.read(source)} == {"One", "Two"}
    m.desk("open", m.ask(m.deletion(source)))
    m.accept(m.bundle())
    assert m.read(source) == []


def test_a_withdrawal_is_proven_by_its_token(m: WayBackMachines, source: Source) -> None:
    first = m.send(source)
    m.desk("open", first)
    genuine = m.ask(m.withdrawal(first, source.token))
    said = m.desk("open", genuine)
    assert "brings a request of sources" in said
    assert f"the source took packet {first} back" in said
    assert f"enveis desk erase {first[:8]}" in said
    assert "complaint" not in said
    forged = m.ask(m.withdrawal(first, "00" * 32))
    assert "its token does not match" in m.desk("open", forged)
    assert "nobody is waiting for a reply" in m.desk("reply", genuine, typed="x", status=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reply", "PACKET"], "the reply is empty"),
        (["reply", "ffffffff"], "the reply is empty"),
        (["grant", "PACKET", "--files-max", "0", "--file-max", "1G", "--days", "1"], "1 to 100 files"),
        (["grant", "PACKET", "--files-max", "5", "--file-max", "2000G", "--days", "1"], "a file may have at most"),
        (["bundle", "00" * 8, "--to", "."], "there is no such gateway here"),
        (["bundle", "00" * 8, "--to", "no-such-folder"], "is not a folder"),
        (["bundle", "00" * 8, "--to", ".", "--days", "400"], "1 to 366 days"),
        (["challenge", "PACKET", "--verifier", "a\nb", "--purpose", "x", "--to", "f"], "one line each"),
    ],
)
def test_bad_input_gets_one_sentence(m: WayBackMachines, source: Source, arguments: list[str], said: str) -> None:
    packet = m.send(source)
    shown = m.desk(*(packet if argument == "PACKET" else argument for argument in arguments), status=1)
    assert said in shown
    assert shown.count("\n") == 1


def test_a_reply_that_is_no_plain_text_is_refused(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    assert "invisible" in m.desk("reply", packet, typed="a\x1b[2Jb", status=1)
    assert "too long" in m.desk("reply", packet, typed="x" * 70_000, status=1)
    (m.root / "latin").write_bytes(b"\xe6\xf8\xe5")
    assert "UTF-8" in m.desk("reply", packet, "--text-file", m.root / "latin", status=1)


@pytest.mark.parametrize("content", [b"", b"PK\3\4 but no bundle", b"\xff\xfe", b"ENVEISAAAA", b"hello\n"])
def test_files_that_are_no_bundle(m: WayBackMachines, content: bytes) -> None:
    (m.root / "file").write_bytes(content)
    shown = m.accept(m.root / "file", status=1)
    assert shown.count("\n") == 1


def test_codes_on_paper(m: WayBackMachines, source: Source) -> None:
    """The very pictures of the sheet are read by another program, out of order, some twice, one not at first."""
    m.desk("reply", m.send(source), typed="On paper")
    sheet = m.root / "sheet.html"
    m.bundle("--qr", sheet)
    page = sheet.read_text()
    assert "http" not in page.replace("http-equiv", "")
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    scanned = []
    for picture in pictures:
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            (code,) = zxingcpp.read_barcodes(
                image.convert("L"), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
            )
        scanned.append(code.text)
    assert 5 < len(scanned) < 40
    assert f"1 of {len(scanned)}" in page
    text = m.root / "scanned.txt"
    text.write_text("\n".join([*scanned[:2], *scanned[3:][::-1], "", scanned[0]]))
    assert f"of {len(scanned)} codes 1 are missing: scan 3" in m.accept(text, status=1)
    wrong = scanned[2][:-9] + ("A" if scanned[2][-9] != "A" else "B") + scanned[2][-8:]
    text.write_text("\n".join([*scanned[:2], wrong]))
    assert "line 3 is not a code of a bundle, or was scanned wrongly" in m.accept(text, status=1)
    text.write_text("\r\n".join(line.lower() for line in [*scanned[3:][::-1], *scanned[:3], scanned[4]]))
    m.accept(text)
    assert [reply.text for reply in m.read(source)] == ["On paper"]
    m.bundle("--qr", m.root / "other.html")
    others = re.findall(r'src="data:image/png;base64,([^"]+)"', (m.root / "other.html").read_text())
    with Image.open(io.BytesIO(base64.b64decode(others[0]))) as image:
        stranger = zxingcpp.read_barcodes(
            image.convert("L"), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
        )[0].text
    text.write_text("\n".join([*scanned[1:], stranger]))
    assert "is of another bundle than the lines before" in m.accept(text, status=1)


def test_paper_has_its_limit(m: WayBackMachines, source: Source) -> None:
    packet = m.send(source)
    for _ in range(2):
        m.desk("reply", packet, typed="x" * 40_000)
    refused = m.desk("bundle", m.gateway, "--to", m.disc, "--qr", m.root / "sheet.html", "--yes", status=1)
    assert "too much for paper" in refused
    assert list(m.disc.iterdir()) == []


def test_a_replaced_gateway_keeps_its_replies(m: WayBackMachines, source: Source) -> None:
    m.desk("reply", m.send(source), typed="Before")
    old = m.gateway
    m.low = m.root / "low2"
    files: list[str | Path] = ["--recipients", m.high / "recipients.txt", "--desk-key", m.high / "desk.pub"]
    m.say("gateway", "init", "--home", m.low, *files)
    m.desk("pair", m.low / "gateway.pairing", "--yes")
    m.accept(m.bundle())
    assert m.read(source) == []
    m.accept(m.bundle("--also", old))
    assert [reply.text for reply in m.read(source)] == ["Before"]
