"""Opening a packet: what does not fit its own manifest is refused whole, and held files stay locked.

Invariant D1.
"""

import hashlib
import io
import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from desk.arrival.inbox import InboxEntry, contradictions
from desk.arrival.opening import OpenPacket, read_to_the_end
from desk.errors import DeskError, PacketDamagedError
from keys.age.errors import AgeError, NoMatchError, PayloadError
from keys.age.small import seal_bytes
from keys.identity import generate_identity
from keys.recipient import KeyKind
from quarantine.findings import Grade
from transfer.names import Lane, PacketId
from transfer.packet.manifest import FileNote, FindingNote, Manifest, Outcome, ReceiptNote, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.writer import PacketWriter

IDENTITY = generate_identity(KeyKind.CLASSIC)
PACKET = PacketId("0123456789abcdef" * 2)
RECEIPT = ReceiptNote("ab" * 16, str(IDENTITY.recipient), "cd" * 32, "ef" * 32)
CLEAR, HELD, UNDECIDED = b"clear " * 50_000, b"held", b""


def note(number: int, content: bytes, outcome: Outcome) -> FileNote:
    findings = (FindingNote("scanner.malware", "danger"),) if outcome is Outcome.HELD else ()
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"../../etc/pass\x1b[31m\u202ewd{number}"
    return FileNote(f"files/{number:02}.txt", name, "txt", len(content), sha256, outcome, "", findings)


NOTES = (note(1, CLEAR, Outcome.CLEAR), note(2, HELD, Outcome.HELD), note(3, UNDECIDED, Outcome.UNDECIDED))
MANIFEST = Manifest(PACKET, "00112233aabbccdd", date(2026, 11, 21), Lane.HELD, "0011223344556677", RECEIPT, NOTES)


def seal(manifest: Manifest = MANIFEST, contents: tuple[bytes, ...] = (CLEAR, HELD, UNDECIDED)) -> bytes:
    writer = PacketWriter([IDENTITY.recipient])
    pieces = [writer.header]
    for number, content in enumerate(contents, start=1):
        pieces += [writer.begin(f"files/{number:02}.txt"), writer.write(content), writer.end()[0]]
    pieces += writer.finish(encode_message(Message(text="a text")), encode_manifest(manifest))
    return b"".join(pieces)


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., OpenPacket]:
    def open_it(sealed: bytes, *, identity: Any = IDENTITY) -> OpenPacket:
        (tmp_path / "packet.age").write_bytes(sealed)
        return OpenPacket(tmp_path / "packet.age", PACKET, [identity])

    return open_it


def test_clear_files_are_written_under_our_names_and_the_others_stay_locked(
    tmp_path: Path, opened: Callable[..., OpenPacket]
) -> None:
    steps: list[tuple[int, int]] = []
    with opened(seal()) as packet:
        assert packet.message.text == "a text"
        files = packet.write_files(tmp_path / "out", held=False, progress=lambda *step: steps.append(step))
    assert [file.path for file in files] == [tmp_path / "out" / "01.txt", None, None]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["01.txt", "manifest.json", "message.json"]
    assert (tmp_path / "out" / "01.txt").read_bytes() == CLEAR
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out" / "01.txt").stat().st_mode) == 0o600
    assert steps[-1] == (len(CLEAR) + len(HELD), len(CLEAR) + len(HELD))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "packet.age"]


@pytest.mark.parametrize(("extension", "kind"), [("desktop", "desktop"), ("exe", "pdf")])
def test_an_extension_that_could_start_something_is_not_written(
    tmp_path: Path, opened: Callable[..., OpenPacket], extension: str, kind: str
) -> None:
    lying = replace(note(1, CLEAR, Outcome.CLEAR), member=f"files/01.{extension}", type=kind)
    manifest = replace(MANIFEST, files=(lying,))
    writer = PacketWriter([IDENTITY.recipient])
    pieces = [writer.header, writer.begin(lying.member), writer.write(CLEAR), writer.end()[0]]
    pieces += writer.finish(encode_message(Message()), encode_manifest(manifest))
    with opened(b"".join(pieces)) as packet:
        files = packet.write_files(tmp_path / "out", held=False, progress=lambda *_: None)
    assert [file.path for file in files] == [tmp_path / "out" / f"01.{extension}.bin"]
    assert (tmp_path / "out" / f"01.{extension}.bin").read_bytes() == CLEAR


@pytest.mark.parametrize(
    ("findings", "reason", "why"),
    [
        ((FindingNote("pdf.uri", "warning"), FindingNote("zip.encrypted", "opaque")), "", "a finding of grade opaque"),
        ((FindingNote("scanner.malware", "danger"),), "", "a finding of grade danger"),
        ((FindingNote("of.tomorrow", "unheard-of"),), "", "a finding of grade unheard-of"),
        ((), "out-of-time", "a reason for being undecided"),
    ],
)
def test_a_file_that_is_called_clear_and_is_not_stays_locked(
    tmp_path: Path, opened: Callable[..., OpenPacket], findings: tuple[FindingNote, ...], reason: str, why: str
) -> None:
    lying = replace(note(1, CLEAR, Outcome.CLEAR), findings=findings, reason=reason)
    manifest = replace(MANIFEST, lane=Lane.CLEAR, files=(lying, *NOTES[1:]))
    with opened(seal(manifest)) as packet:
        files = packet.write_files(tmp_path / "out", held=False, progress=lambda *_: None)
        packet.write_files(tmp_path / "asked", held=True, progress=lambda *_: None)
    assert [file.path for file in files] == [None, None, None]
    assert (tmp_path / "asked" / "01.txt").read_bytes() == CLEAR
    entry = InboxEntry(PACKET, Lane.CLEAR, manifest.gateway, 1, date(2026, 11, 21), 1)
    contradiction, lane = contradictions(entry, manifest)
    assert contradiction.startswith("files/01.txt is called clear, but has ")
    assert why in contradiction
    assert "not all of its files are called clear" in lane


def test_files_without_room_are_not_begun(
    tmp_path: Path, opened: Callable[..., OpenPacket], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [len(CLEAR) - 1]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    with opened(seal()) as packet:
        with pytest.raises(OSError, match="No space left on device for the") as raised:
            packet.write_files(tmp_path / "a" / "out", held=False, progress=lambda *_: None)
        assert raised.value.filename == str(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["packet.age"]
        free[0] = len(CLEAR)  # locked files need none
        packet.write_files(tmp_path / "out", held=False, progress=lambda *_: None)


def test_what_never_holds_a_file_locks_none(tmp_path: Path, opened: Callable[..., OpenPacket]) -> None:
    grades = ("info", "identifies-you", "warning")
    harmless = replace(note(1, CLEAR, Outcome.CLEAR), findings=tuple(FindingNote("a.code", grade) for grade in grades))
    with opened(seal(replace(MANIFEST, files=(harmless, *NOTES[1:])))) as packet:
        files = packet.write_files(tmp_path / "out", held=False, progress=lambda *_: None)
    assert [file.path for file in files] == [tmp_path / "out" / "01.txt", None, None]
    assert not any(grade.holds for grade in map(Grade, grades))
    assert all(grade.holds for grade in Grade if grade not in grades)


def test_held_files_are_written_when_somebody_decided(tmp_path: Path, opened: Callable[..., OpenPacket]) -> None:
    with opened(seal()) as packet:
        packet.write_files(tmp_path / "out", held=True, progress=lambda *_: None)
    assert [(tmp_path / "out" / f"0{n}.txt").read_bytes() for n in (1, 2, 3)] == [CLEAR, HELD, UNDECIDED]


def test_a_folder_with_something_in_it_is_not_touched(tmp_path: Path, opened: Callable[..., OpenPacket]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_bytes(b"")
    with opened(seal()) as packet, pytest.raises(FileExistsError):
        packet.write_files(tmp_path / "out", held=True, progress=lambda *_: None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("change", [{"sha256": "00" * 32}, {"size": 3}])
def test_a_file_that_is_not_what_the_manifest_says(
    tmp_path: Path, opened: Callable[..., OpenPacket], change: dict[str, Any], *, locked: bool
) -> None:
    notes = list(NOTES)
    notes[1 if locked else 0] = replace(notes[1 if locked else 0], **change)
    with opened(seal(replace(MANIFEST, files=tuple(notes)))) as packet, pytest.raises(PacketDamagedError):
        packet.write_files(tmp_path / "out", held=False, progress=lambda *_: None)
    assert [path.name for path in tmp_path.iterdir()] == ["packet.age"]


@pytest.mark.parametrize(
    "manifest",
    [
        replace(MANIFEST, files=NOTES[:2]),
        replace(MANIFEST, files=(*NOTES, note(4, b"", Outcome.CLEAR))),
        replace(MANIFEST, packet=PacketId("0" * 32)),
    ],
)
def test_a_manifest_of_something_else(opened: Callable[..., OpenPacket], manifest: Manifest) -> None:
    with pytest.raises(PacketDamagedError):
        opened(seal(manifest))


def zipped(*, compression: int = zipfile.ZIP_STORED, twice: bool = False, tail: bytes = b"") -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as writer:
        writer.writestr("message.json", encode_message(Message()))
        writer.writestr("manifest.json", encode_manifest(replace(MANIFEST, files=())))
        writer.writestr("padding", bytes(100))
    data = archive.getvalue()
    if twice:
        with zipfile.ZipFile(archive, "a") as writer, pytest.warns(UserWarning, match="Duplicate"):
            writer.writestr("message.json", encode_message(Message(text="another")))
        data = archive.getvalue()
    return data + tail


def test_a_zip_of_another_program_opens_when_it_is_right(opened: Callable[..., OpenPacket]) -> None:
    opened(seal_bytes(zipped(), [IDENTITY.recipient])).__exit__(None, None, None)


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"not a zip",
        bytes(100_000),
        zipped(compression=zipfile.ZIP_DEFLATED),
        zipped(twice=True),
        zipped(tail=b"x"),
        b"prepended" + zipped(),
        zipped()[:-30],
        zipped().replace(b"manifest.json", b"manifest.jsom"),
    ],
)
def test_what_is_no_packet_inside_is_refused(opened: Callable[..., OpenPacket], plaintext: bytes) -> None:
    with pytest.raises(DeskError) as raised:
        opened(seal_bytes(plaintext, [IDENTITY.recipient]))
    assert "\n" not in str(raised.value)


def patched(archive: bytes, offset: int, value: bytes, *, member: int = 0) -> bytes:
    """Change a field of the directory's line `member`, counted from 0."""
    at = -1
    for _ in range(member + 1):
        at = archive.index(b"PK\x01\x02", at + 1)
    return archive[: at + offset] + value + archive[at + offset + len(value) :]


def test_nothing_is_unpacked_before_it_is_refused(opened: Callable[..., OpenPacket]) -> None:
    """bzip2 unpacks to its whole size at the first read; a manifest is read before the members are compared."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_BZIP2) as writer:
        writer.writestr("manifest.json", bytes(8 * 1024 * 1024))
    with pytest.raises(PacketDamagedError, match="compressed"):
        opened(seal_bytes(archive.getvalue(), [IDENTITY.recipient]))


def test_members_that_share_their_bytes_are_refused(opened: Callable[..., OpenPacket]) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name in ("files/01.txt", "files/02.txt"):
            writer.writestr(name, bytes(1000))
    first = archive.getvalue()
    sharing = patched(first, 42, bytes(4), member=1)  # the offset of the local header
    with pytest.raises(PacketDamagedError, match="no readable"):
        opened(seal_bytes(first, [IDENTITY.recipient]))
    larger = b"".join(((2000).to_bytes(4, "little"),) * 2)  # the two sizes
    for member in (0, 1):
        sharing = patched(sharing, 20, larger, member=member)
    with pytest.raises(PacketDamagedError, match="larger than the packet"):
        opened(seal_bytes(sharing, [IDENTITY.recipient]))


@pytest.mark.parametrize("offset", [2**62, 2**63, 2**64 - 1])
def test_an_offset_beyond_everything(opened: Callable[..., OpenPacket], offset: int) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        info = zipfile.ZipInfo("manifest.json")
        info.extra = b"\x01\x00\x08\x00" + offset.to_bytes(8, "little")  # ZIP64: the offset alone
        writer.writestr(info, b"{}")
    plaintext = patched(archive.getvalue(), 42, b"\xff" * 4)
    with pytest.raises(PacketDamagedError, match=r"no readable manifest\.json"):
        opened(seal_bytes(plaintext, [IDENTITY.recipient]))


def test_a_huge_directory_is_refused_before_it_is_read(opened: Callable[..., OpenPacket]) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for number in range(1500):
            writer.writestr(f"{number}", b"")
    with pytest.raises(PacketDamagedError, match="directory"):
        opened(seal_bytes(archive.getvalue(), [IDENTITY.recipient]))


@pytest.mark.parametrize("cut", [1, 70_000])
def test_a_cut_or_changed_packet_does_not_open(tmp_path: Path, opened: Callable[..., OpenPacket], cut: int) -> None:
    sealed = seal()
    with pytest.raises(AgeError):
        opened(sealed[:-cut])
    changed = bytearray(sealed)
    changed[-cut] ^= 1
    # In the directory at once, in a file when it is read.
    with pytest.raises(AgeError), opened(bytes(changed)) as packet:
        packet.write_files(tmp_path / "out", held=False, progress=lambda *_: None)
    assert not (tmp_path / "out").exists()


def test_somebody_elses_packet(opened: Callable[..., OpenPacket]) -> None:
    with pytest.raises(NoMatchError):
        opened(seal(), identity=generate_identity(KeyKind.CLASSIC))


def test_read_to_the_end() -> None:
    sealed = seal()
    read_to_the_end(io.BytesIO(sealed), [IDENTITY])
    with pytest.raises(PayloadError):
        read_to_the_end(io.BytesIO(sealed[:-1]), [IDENTITY])


def test_a_packet_that_arrived_otherwise_than_its_manifest_says() -> None:
    entry = InboxEntry(PACKET, Lane.HELD, MANIFEST.gateway, 1, date(2026, 11, 22), 1)
    assert contradictions(entry, MANIFEST) == ()
    (lane,) = contradictions(replace(entry, lane=Lane.CLEAR), MANIFEST)
    assert "held" in lane
    (gateway,) = contradictions(replace(entry, gateway="f" * 16), MANIFEST)
    assert "f" * 16 in gateway
