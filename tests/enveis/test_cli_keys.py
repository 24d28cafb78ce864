"""Keys in life at the command line: split, joined, printed, rehearsed; nothing secret where others can see it.

Invariants K4, K5 and A4.
"""

import dataclasses
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from shamir_mnemonic.share import Share as Slip39

from enveis.main import main
from keys.identity import Identity, read_identities
from keys.shares import parse_share
from tests.worlds.typing_person import Typing
from tests.worlds.waiting import reads_stdin, wait_until


class Desk:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.home, self.backup = root, root / "high", root / "backup.txt"
        self._capsys = capsys
        self.say("desk", "init", "--backup", self.backup)

    def say(self, *arguments: object, status: int = 0) -> str:
        assert main(["--home", str(self.home), *map(str, arguments)]) == status
        captured = self._capsys.readouterr()
        return captured.out + captured.err

    def call(self, *arguments: object, status: int = 0) -> Any:
        assert main(["--home", str(self.home), "--json", *map(str, arguments)]) == status
        return json.loads(self._capsys.readouterr().out)

    @property
    def identity(self) -> Identity:
        return read_identities(self.home / "identity.txt", lambda: "")[0]

    def split(self, *arguments: object) -> list[Path]:
        files = self.call("keys", "split", "--to", self.root / "shares", *arguments)["files"]
        return [Path(name) for name in files]

    def events(self) -> list[str]:
        return [row["event"] for row in self.call("audit", "show")]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_split_and_combine_with_files(desk: Desk, tmp_path: Path) -> None:
    files = desk.split()
    assert [path.name for path in files] == ["share-1.txt", "share-2.txt", "share-3.txt"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    desk.say("keys", "combine", "--to", tmp_path / "joined.txt", "--share", files[0], "--share", files[2])
    assert (tmp_path / "joined.txt").stat().st_mode & 0o777 == 0o600
    assert read_identities(tmp_path / "joined.txt", lambda: "") == (desk.identity,)
    assert desk.events()[-2:] == ["keys-split", "keys-joined"]
    again = desk.say(
        "keys", "combine", "--to", tmp_path / "joined.txt", "--share", files[0], "--share", files[2], status=1
    )
    assert "already exists" in again


def test_the_backup_is_split_too_and_sealed_on_the_way_back(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "p").write_text("correct horse battery staple\n")
    (tmp_path / "q").write_text("battery staple correct horse\n")
    (tmp_path / "wrong").write_text("battery stable correct horse\n")
    files = desk.split("--identity", desk.backup, "--needed", 3, "--of", 5, "--shares-passphrase-file", tmp_path / "q")
    assert len(files) == 5
    shares = [word for path in files[1:4] for word in ("--share", path)]
    joined = ["keys", "combine", "--to", tmp_path / "joined", *shares, "--passphrase-file", tmp_path / "p"]
    for wrong in ([], ["--shares-passphrase-file", tmp_path / "wrong"]):
        said = desk.say(*joined, *wrong, status=1)
        assert "their passphrase is wrong" in said
        assert said.count("\n") == 1
        assert not (tmp_path / "joined").exists()
    desk.say(*joined, "--shares-passphrase-file", tmp_path / "q")
    assert (tmp_path / "joined").read_bytes().startswith(b"age-encryption.org/v1")
    opened = read_identities(tmp_path / "joined", lambda: "correct horse battery staple")
    assert opened == read_identities(desk.backup, lambda: "")


def test_groups(desk: Desk, tmp_path: Path) -> None:
    files = desk.split("--group", "2of3", "--group", "1of1", "--groups-needed", "2")
    assert [path.name for path in files][2:] == ["share-group-1-3.txt", "share-group-2-1.txt"]
    shares = [word for path in (files[0], files[2], files[3]) for word in ("--share", path)]
    desk.say("keys", "combine", "--to", tmp_path / "joined", *shares)
    few = [word for path in files[:3] for word in ("--share", path)]
    said = desk.say("keys", "combine", "--to", tmp_path / "other", *few, status=1)
    assert "not enough; still needed: enough shares of 1 more group" in said


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--needed", "4"], 1, "at least 1 share"),
        (["--needed", "1"], 1, "copies"),
        (["--group", "two"], 2, "2of3"),
        (["--group", "2of3", "--groups-needed", "2"], 1, "groups"),
        (["--number", "2"], 1, "has 1 identities"),
        (["--number", "0"], 1, "has 1 identities"),
        ([], 2, "on a terminal only"),
    ],
)
def test_a_split_that_cannot_be_is_one_sentence(desk: Desk, arguments: list[str], status: int, words: str) -> None:
    to = ["--to", str(desk.root / "shares")] if arguments else []
    said = desk.say("keys", "split", *arguments, *to, status=status)
    assert words in said
    assert said.count("\n") == 1
    assert not (desk.root / "shares").exists()
    assert "keys-split" not in desk.events()


def test_wrong_shares_are_one_sentence(desk: Desk, tmp_path: Path) -> None:
    files = desk.split()
    (tmp_path / "again").mkdir()
    others = desk.call("keys", "split", "--to", tmp_path / "again")["files"]
    (tmp_path / "cut").write_text(" ".join(files[0].read_text().splitlines()[1].split()[:-1]))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for shares, words in (
        ([files[0]], "still needed: 1 more share"),
        ([files[0], files[0]], "share 2 is the same as share 1"),
        ([files[0], others[1]], "a different splitting"),
        ([files[0], tmp_path / "cut"], "33 words, but 32 were given"),
        ([files[0], tmp_path / "binary"], "not a text file of words"),
        ([files[0], desk.backup], "33 words"),
    ):
        given = [word for path in shares for word in ("--share", path)]
        said = desk.say("keys", "combine", "--to", tmp_path / "joined", *given, status=1)
        assert words in said
        assert said.count("\n") == 1
        assert not (tmp_path / "joined").exists()
    foreign = tmp_path / "foreign"
    assert main(["desk", "init", "--home", str(foreign)]) == 0
    given = [word for path in files for word in ("--share", path)]
    said = desk.say(
        "keys", "combine", "--to", tmp_path / "x", "--recipients", foreign / "recipients.txt", *given, status=1
    )
    assert "do not join to a key that is known here" in said


def test_rehearsal_proves_each_key(desk: Desk, tmp_path: Path) -> None:
    files = desk.split()
    rows = desk.call("keys", "rehearse", "--backup", desk.backup, *given(*files))
    assert [(row["key"], row["recipient"], row["test packet"]) for row in rows] == [
        ("identity.txt", 1, "opens it"),
        (str(desk.backup), 2, "opens it"),
        ("shares 1 and 2", 1, "opens it"),
        ("shares 1 and 3", 1, "opens it"),
        ("shares 2 and 3", 1, "opens it"),
    ]
    shown = desk.call("audit", "show", "--event", "keys-rehearsed")
    assert [row["details"] for row in shown] == [{"count": 5}]
    assert not list((desk.home / "inbox").iterdir())


def test_a_rehearsal_without_the_backup_is_none(desk: Desk, tmp_path: Path) -> None:
    said = desk.say("keys", "rehearse", status=1)
    assert "No key was tried for recipient 2 of 2" in said
    assert main(["desk", "init", "--home", str(tmp_path / "other"), "--backup", str(tmp_path / "foreign.txt")]) == 0
    said = desk.say("keys", "rehearse", "--backup", tmp_path / "foreign.txt", status=1)
    assert re.search(r"foreign.txt +- +\w", said)
    assert not re.search(r"foreign.txt +- +opens", said)
    assert "make new copies" in said


def spoilt(share: Path) -> Path:
    """Another share of the same splitting and place, whole in itself, that leads to something else."""
    found = Slip39.from_mnemonic(parse_share(share.read_text().splitlines()[1]).words)
    other = found.value[:-1] + bytes([found.value[-1] ^ 1])
    bad = share.with_name(f"bad-{share.name}")
    bad.write_text(dataclasses.replace(found, value=other).mnemonic() + "\n")
    return bad


def given(*files: Path) -> list[object]:
    return [word for path in files for word in ("--share", path)]


def test_a_bad_share_shows_in_its_sets_and_hides_no_other(desk: Desk) -> None:
    files = desk.split()
    before = desk.events()
    rows = desk.call(
        "keys", "rehearse", "--backup", desk.backup, *given(files[0], spoilt(files[1]), files[2]), status=1
    )
    assert [row["key"] for row in rows if row["test packet"] == "opens it"] == [
        "identity.txt",
        str(desk.backup),
        "shares 1 and 3",
    ]
    failed = {row["key"]: row["test packet"] for row in rows if row["test packet"] != "opens it"}
    assert set(failed) == {"shares 1 and 2", "shares 2 and 3"}
    assert all("do not fit together" in reason for reason in failed.values())
    said = desk.say("keys", "rehearse", "--backup", desk.backup, *given(files[0], spoilt(files[1]), files[2]), status=1)
    assert "In no set that opens the packet: share 2." in said
    assert desk.events() == before


def test_a_rehearsal_says_how_many_sets_it_left_out(desk: Desk) -> None:
    files = desk.split("--needed", 5, "--of", 10)
    said = desk.say("keys", "rehearse", "--backup", desk.backup, *given(*files))
    assert "50 of the 252 sets of these shares were tried, chosen by chance." in said
    assert said.count("opens it") == 52
    for bad in (files[0], files[9]):
        shares = [spoilt(path) if path is bad else path for path in files]
        said = desk.say("keys", "rehearse", "--backup", desk.backup, *given(*shares), status=1)
        assert f"In no set that opens the packet: share {files.index(bad) + 1}." in said


def test_groups_are_rehearsed_share_by_share(desk: Desk) -> None:
    files = desk.split("--group", "2of3", "--group", "1of1", "--group", "2of2", "--groups-needed", 2)
    rows = desk.call("keys", "rehearse", "--backup", desk.backup, *given(*files))
    ways = [row["key"] for row in rows][2:]
    assert len(ways) == 3 + 3 + 1
    assert "shares 1 and 3 of group 1, share 1 of group 2" in ways
    assert "share 1 of group 2, shares 1 and 2 of group 3" in ways
    for bad in range(6):
        shares = [spoilt(path) if place == bad else path for place, path in enumerate(files)]
        rows = desk.call("keys", "rehearse", "--backup", desk.backup, *given(*shares), status=1)
        assert any(row["test packet"] != "opens it" for row in rows)
    said = desk.say("keys", "rehearse", "--backup", desk.backup, *given(*files[:5]), status=1)
    assert "Not tried, because too few shares of their group were given: share 1 of group 3." in said
    assert said.count("opens it") == 2 + 3


def test_commands_of_the_desk_open_with_shares_alone(desk: Desk, tmp_path: Path) -> None:
    """identity.txt is gone: only shares are left, and every command says how to continue."""
    files = desk.split()
    (desk.home / "identity.txt").unlink()
    low, stick = tmp_path / "low", tmp_path / "stick"
    stick.mkdir()
    given = ["--recipients", str(desk.home / "recipients.txt"), "--desk-key", str(desk.home / "desk.pub")]
    assert main(["gateway", "init", "--home", str(low), *given]) == 0
    desk.say("desk", "pair", low / "gateway.pairing", "--yes")
    said = desk.say("transfer", "import", stick, status=1)
    assert "join the identity from its shares (--shares)" in said
    shares = ["--share", files[0], "--share", files[1]]
    assert "has no batch" in desk.say("transfer", "import", stick, *shares, status=1)
    rows = desk.call("keys", "rehearse", "--backup", desk.backup, *shares)
    assert [row["key"] for row in rows] == [str(desk.backup), "shares 1 and 2"]


def test_the_sheet_of_paper_is_private_and_needs_nothing_else(desk: Desk, tmp_path: Path) -> None:
    desk.say("keys", "paper", "--to", tmp_path / "key.html")
    page = (tmp_path / "key.html").read_text()
    assert (tmp_path / "key.html").stat().st_mode & 0o777 == 0o600
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|<img|<link|url\(", page)
    typed = re.sub(r"<[^>]*>", "", re.search(r'<p class="key">(.*?)</p>', page)[1])  # type: ignore[index]
    assert typed == desk.identity.encode()
    assert "keys-printed" in desk.events()
    share = desk.split()[1]
    desk.say("keys", "paper", "--to", tmp_path / "share.html", "--share", share)
    listed = re.findall(r"<li>(\w+)</li>", (tmp_path / "share.html").read_text())
    assert listed == share.read_text().splitlines()[1].split()
    assert "already exists" in desk.say("keys", "paper", "--to", tmp_path / "key.html", status=1)


WIPE = "\x1b[2J\x1b[3J\x1b[H"


def test_shares_at_a_terminal_are_shown_one_at_a_time_and_typed_back(desk: Desk, tmp_path: Path) -> None:
    shares = []
    with Typing("keys", "split", "--home", desk.home) as shown:
        for _ in range(3):
            screen = shown.wait_for("continue.").rpartition(WIPE)[2]
            numbered = re.findall(r"(\d+)\. ([a-z]+)", screen)
            shares.append(" ".join(word for _, word in sorted(numbered, key=lambda pair: int(pair[0]))))
            shown.type("")
        shown.wait_for("3 shares were made")
        assert shown.end() == 0
    assert len({*shares}) == 3
    assert all(len(share.split()) == 33 for share in shares)

    with Typing("keys", "combine", "--home", desk.home, "--to", tmp_path / "joined") as typing:
        typing.wait_for("a first share")
        wrong = shares[0].split()
        typing.type(" ".join([*wrong[:4], "xyzzy", *wrong[5:]]))
        assert "number 5" in typing.wait_for("Not accepted: ") + typing.wait_for("Still needed: a first share")
        typing.type(" ".join(word[:4] for word in wrong))
        typing.wait_for(WIPE)
        typing.wait_for("1 more share")
        typing.type(shares[0])
        typing.wait_for("same as share 1")
        typing.type(shares[2])
        typing.wait_for("known here")
        assert typing.end() == 0
    assert read_identities(tmp_path / "joined", lambda: "") == (desk.identity,)
    arguments = Path("/proc/self/cmdline").read_bytes()  # the tests' own: no share was ever an argument
    assert shares[0].encode() not in arguments


def test_who_stops_at_the_last_share_has_split_the_key(desk: Desk) -> None:
    with Typing("keys", "split", "--home", desk.home) as shown:
        shown.wait_for("continue.")
        # Python would see a signal from a moment before read(2) only when a line was typed.
        wait_until(lambda: reads_stdin(shown.process.pid))
        shown.process.send_signal(signal.SIGINT)
        assert shown.end() == 130
    assert desk.events()[-1] == "keys-split"


def test_no_copy_of_a_key_without_a_line_in_the_log(desk: Desk, tmp_path: Path) -> None:
    """The log's end is damaged: nothing more is written to it, and so no copy is made."""
    files = desk.split()
    log = desk.home / "audit.jsonl"
    log.write_bytes(log.read_bytes() + b"{}\n")
    shares = [word for path in files for word in ("--share", path)]
    for arguments in (
        ["split", "--to", tmp_path / "others"],
        ["combine", "--to", tmp_path / "joined", *shares],
        ["paper", "--to", tmp_path / "key.html"],
    ):
        assert "audit recover" in desk.say("keys", *arguments, status=1)
    assert not any((tmp_path / name).exists() for name in ("joined", "key.html"))
    assert not list((tmp_path / "others").iterdir())


def test_what_is_refused_is_not_in_the_log(desk: Desk, tmp_path: Path) -> None:
    shares = [word for path in desk.split() for word in ("--share", path)]
    before = desk.events()
    (tmp_path / "there").mkdir()
    for there in (tmp_path / "there", desk.backup):
        for arguments in (["combine", "--to", there, *shares], ["paper", "--to", there]):
            assert "already exists" in desk.say("keys", *arguments, status=1)
    assert "no share was written" in desk.say("keys", "split", "--to", tmp_path / "shares", status=1)
    assert "is not a folder" in desk.say("keys", "paper", "--to", tmp_path / "absent" / "key.html", status=1)
    assert desk.events() == before


def test_a_page_of_paper_is_reported_to_a_program(desk: Desk, tmp_path: Path) -> None:
    answer = desk.call("keys", "paper", "--to", tmp_path / "key.html")
    assert answer == {"page": str(tmp_path / "key.html"), "recipient": str(desk.identity.recipient)}
    share = desk.split()[1]
    answer = desk.call("keys", "paper", "--to", tmp_path / "share.html", "--share", share)
    assert answer == {"page": str(tmp_path / "share.html"), "recipient": None}


def test_shares_from_a_pipe(desk: Desk, tmp_path: Path) -> None:
    words = [path.read_text().splitlines()[1] for path in desk.split()]
    command = [sys.executable, "-m", "enveis", "keys", "combine", "--home", str(desk.home)]
    command += ["--to", str(tmp_path / "joined")]

    def piped(text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    short = piped(words[0] + "\n")
    assert (short.returncode, short.stderr) == (1, "enveis: the input ended; still needed: 1 more share\n")
    wrong = piped(f"{words[0]} too\n")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert piped(f"{words[0]}\n\n{words[1]}\n").returncode == 0
    assert read_identities(tmp_path / "joined", lambda: "") == (desk.identity,)
