"""What the pages promise: docs/open-packet.mjs opens a packet with npm's age; links, commands and names are real.

And their form: the README fits on 120 lines, four doors lead to every page, a line has one sentence.

Invariant E5.
"""

import ast
import re
import shutil
import subprocess
import tomllib
import zipfile
from datetime import date
from itertools import chain
from pathlib import Path

import pytest

from enveis.main import main
from keys.identity import Identity, encode_identity_file, generate_identity
from keys.recipient import KeyKind
from tests.builders.sentence_lines import crowded_lines, one_sentence_a_line
from tests.worlds.oracles import NODE, npm_packages
from transfer.names import Lane, new_packet_id
from transfer.packet.manifest import FileNote, Manifest, Outcome, ReceiptNote, encode_manifest
from transfer.packet.message import Message, encode_message
from transfer.packet.writer import PacketWriter

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    path
    for depth in range(4)
    for path in ROOT.glob("*/" * depth + "*.md")
    if not any(part.startswith(".") or part in ("node_modules", "run", "dist") for part in path.relative_to(ROOT).parts)
)
ENTRANCE = ROOT / "docs" / "README.md"
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
SIZE = 200_000  # bytes: several chunks
MESSAGE = encode_message(Message(text="They lost my papers. æøå"))


def sealed_packet(identity: Identity) -> tuple[bytes, bytes]:
    """A packet with one file, and that file."""
    content = bytes(range(256)) * (SIZE // 256)
    writer = PacketWriter([identity.recipient, generate_identity(identity.kind).recipient])
    sealed = [writer.header, writer.begin("files/01.txt"), writer.write(content)]
    last, member = writer.end()
    note = FileNote(member.name, "a.txt", "txt", member.size, member.sha256, Outcome.CLEAR)
    receipt = ReceiptNote("ab" * 16, str(identity.recipient), "cd" * 32, "ef" * 32)
    manifest = Manifest(
        packet=new_packet_id(),
        gateway="00" * 8,
        received=date(2026, 11, 21),
        lane=Lane.CLEAR,
        sealed_to="00" * 8,
        receipt=receipt,
        files=(note,),
    )
    sealed += [last, *writer.finish(MESSAGE, encode_manifest(manifest))]
    return b"".join(sealed), content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # A module is looked for from where the script lies, as after `npm install` beside it.
    shutil.copy(ROOT / "docs" / "open-packet.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(npm_packages())
    return tmp_path


def run_script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(NODE), "open-packet.mjs", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("kind", list(KeyKind))
def test_the_script_opens_a_packet(folder: Path, kind: KeyKind) -> None:
    identity = generate_identity(kind)
    sealed, content = sealed_packet(identity)
    (folder / "identity.txt").write_bytes(encode_identity_file(identity, None))
    (folder / "packet.age").write_bytes(sealed)
    done = run_script(folder, "identity.txt", "packet.age", "packet.zip")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / "packet.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("files/01.txt") == content
        assert archive.read("message.json") == MESSAGE
    assert (folder / "packet.zip").stat().st_mode & 0o777 == 0o600
    assert not (folder / "packet.zip.part").exists()


@pytest.mark.parametrize("fault", ["cut", "changed", "not for us"])
def test_the_script_leaves_nothing_of_a_packet_that_does_not_open(folder: Path, fault: str) -> None:
    identity = generate_identity(KeyKind.HYBRID)
    sealed, _ = sealed_packet(identity)
    if fault == "cut":
        sealed = sealed[: -65_536 - 16]
    elif fault == "changed":
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    else:
        identity = generate_identity(KeyKind.HYBRID)
    (folder / "identity.txt").write_bytes(encode_identity_file(identity, None))
    (folder / "packet.age").write_bytes(sealed)
    done = run_script(folder, "identity.txt", "packet.age", "packet.zip")
    assert done.returncode == 1
    assert done.stderr.startswith("not opened: ")
    assert not list(folder.glob("packet.zip*"))


def test_the_script_replaces_nothing(folder: Path) -> None:
    identity = generate_identity(KeyKind.CLASSIC)
    (folder / "identity.txt").write_bytes(encode_identity_file(identity, None))
    (folder / "packet.age").write_bytes(sealed_packet(identity)[0])
    (folder / "packet.zip").write_text("mine")
    assert run_script(folder, "identity.txt", "packet.age", "packet.zip").returncode == 1
    assert (folder / "packet.zip").read_text() == "mine"
    assert run_script(folder, "identity.txt").returncode == 2


def test_debians_tools_open_a_classic_packet(tmp_path: Path) -> None:
    """The commands of docs/opening-a-packet.md."""
    identity = generate_identity(KeyKind.CLASSIC)
    sealed, content = sealed_packet(identity)
    (tmp_path / "identity.txt").write_bytes(encode_identity_file(identity, None))
    (tmp_path / "PACKET.age").write_bytes(sealed)
    page = (ROOT / "docs" / "opening-a-packet.md").read_text()
    command = "age -d -i identity.txt PACKET.age > packet.zip && unzip packet.zip -d packet"
    assert command in page
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "packet" / "files" / "01.txt").read_bytes() == content


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_names_of_files_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), target
    # `gateway/submission/plaintext_span.py`, `tests/system/test_x.py`: what a page names must be there.
    folders = "enveis|gateway|quarantine|transfer|keys|audit|desk|disk|deploy|docs|tests|bench"
    for name in re.findall(rf"`((?:{folders})/[\w./-]+\.(?:py|md|mjs|toml|conf|html))`", text):
        assert (ROOT / name).exists() or (page.parent / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_page_shows_exists(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every fence is matched, whatever its language: the end of one must not pass for the beginning of another.
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in [] if language != "sh" else re.findall(r"^\s*(?:\$ )?enveis ([^\n#&|]*)", block, re.MULTILINE):
            words = line.split()
            names = words[: 1 if words[0] in ("demo", "run") else 2]
            with pytest.raises(SystemExit, match="0"):
                main([*names, "--help"])
            offered = re.findall(r"--[\w-]+", capsys.readouterr().out)
            for option in (word for word in words if word.startswith("--")):
                assert option in offered, line


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120


def test_the_map_is_read_in_five_minutes_and_has_every_room() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    assert len(page.split()) <= 1_250  # at 250 a minute
    rooms = [room.parent for station in ROOT.glob("*/__init__.py") for room in station.parent.rglob("__init__.py")]
    assert ROOT / "gateway" / "http" in rooms
    for room in rooms:
        assert f"`{room.relative_to(ROOT)}/`" in page, room
    for named in re.findall(r"`((?:[a-z_]+/)+)`", page):
        assert (ROOT / named).is_dir() or named == "utils/", named
    invariants = page.partition("## Six invariants")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d)\. ", invariants, re.MULTILINE) == list("123456")


def test_four_doors_lead_to_every_page() -> None:
    doors = ENTRANCE.read_text("utf-8").split("\n## ")[1:]
    assert [door.partition("\n")[0] for door in doors] == ["Try it", "Run it", "Review it", "Change it"]
    for door in doors:
        steps = re.findall(r"^(\d+)\. .*\]\(", door, re.MULTILINE)
        assert steps == list("12345")[: len(steps)], door
        assert steps, door
    reached, waiting = set[Path](), [ENTRANCE]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            linked = re.findall(r"\]\((?!https?:)([^)#]+\.md)", page.read_text("utf-8"))
            waiting += [(page.parent / target).resolve() for target in linked]
    assert {page for page in PAGES if page.name != "template.md"} <= reached


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.name[:4])
def test_every_decision_has_its_form_and_its_row(page: Path) -> None:
    text = page.read_text("utf-8")
    head = re.match(rf"# {page.name[:4]}: (.+)\n\nStatus: (\w+), (\d{{4}}-\d\d-\d\d)[.;]", text)
    assert head
    title, status, day = head.groups()
    assert date(2026, 11, 21) <= date.fromisoformat(day)
    assert re.findall(r"^(Context|Decision|Cost):", text, re.MULTILINE) == ["Context", "Decision", "Cost"]
    row = f"| [{page.name[:4]}]({page.name}) | {title} | {day} | {status} |"
    assert row in (page.parent / "README.md").read_text("utf-8"), row


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_line_has_one_sentence(page: Path) -> None:
    remedy = f"python -m tests.builders.sentence_lines {page.relative_to(ROOT)}"
    assert crowded_lines(page.read_text("utf-8")) == [], remedy


def test_a_sentence_ends_where_it_ends() -> None:
    rest = "\n    a. b\n\n```sh\na. b\nc\n```\n| a. b |\n"
    page = "1.1. One, e.g. `a. b`, at v. 2 and\n[a name](x. y). Two?\n* an item! It goes\n  on\n"
    sentences = "1.1. One, e.g. `a. b`, at v. 2 and [a name](x. y).\nTwo?\n* an item!\n  It goes on\n"
    assert one_sentence_a_line(page + rest) == sentences + rest
    assert crowded_lines(page + rest) == ["[a name](x. y). Two?", "* an item! It goes"]


def test_every_room_says_what_it_holds() -> None:
    rooms = [path for station in ROOT.glob("*/__init__.py") for path in station.parent.rglob("__init__.py")]
    for room in rooms:
        says = ast.get_docstring(ast.parse(room.read_text("utf-8")))
        assert says, room
        assert "TODO" not in says, room


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    requirements = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split(r"[><=; ]", requirement)[0] for requirement in requirements}
    assert {"cryptography", "aiohttp", "pytest"} <= names
    for name in names:
        assert f"`{name}`" in page, name
