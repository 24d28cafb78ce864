"""docs/audit.md and docs/opening-a-packet.md, typed in as they stand, where nothing of Enveis is to be found.

Invariant A5.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import bagit
import pytest

from keys.recipient import KeyKind
from tests.worlds.oracles import NODE, npm_packages
from tests.worlds.two_homes import TwoHomes

DOCS = Path(__file__).parents[3] / "docs"


def blocks(page: str) -> list[str]:
    found = re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    return [block for block in found if "enveis " not in block]


class Reviewer:
    """A folder with what a reviewer was handed, and a shell in which no module or program of ours exists."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        programs = root / "programs"
        programs.mkdir()
        # The Library of Congress's program is one file (and its version, beside it); the system's Python runs it.
        library = root / "library"
        library.mkdir()
        shutil.copy(bagit.__file__, library)
        for version in Path(bagit.__file__).parent.glob("bagit-*.dist-info"):
            shutil.copytree(version, library / version.name)
        (programs / "bagit.py").write_text(f'#!/bin/sh\nexec /usr/bin/python3 -E -s {library}/bagit.py "$@"\n')
        (programs / "bagit.py").chmod(0o755)
        (programs / "node").symlink_to(NODE)
        self._environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(root), "LC_ALL": "C.UTF-8"}

    def type(self, *texts: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", "\n".join(texts)],
            cwd=self.root,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def handed_over(homes: TwoHomes, root: Path) -> Reviewer:
    """Three batches, a log that was rotated in between, and the gateway's public key."""
    for number in range(3):
        homes.put(f"text {number}")
        homes.export()
        if number == 1:
            homes.say("audit", "rotate", home=homes.low)
    reviewer = Reviewer(root)
    shutil.copytree(homes.stick, root / "bags")
    for name in ("audit.jsonl", "gateway.pub"):
        shutil.copy(homes.low / name, root)
    shutil.copytree(homes.low / "audit.closed", root / "audit.closed")
    return reviewer


@pytest.fixture
def reviewer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Reviewer:
    (tmp_path / "homes").mkdir()
    return handed_over(TwoHomes(tmp_path / "homes", capsys, "--classic"), tmp_path / "reviewer")


def test_nothing_of_ours_takes_part(reviewer: Reviewer) -> None:
    done = reviewer.type("command -v enveis; /usr/bin/python3 -I -c 'import transfer'")
    assert done.stdout == ""
    assert "No module named" in done.stderr


def test_all_of_it_holds(reviewer: Reviewer) -> None:
    done = reviewer.type(*blocks("audit.md"))
    lines = done.stdout.splitlines()
    assert lines[0].startswith("one chain of ")
    assert lines[1:4] == ["3 heads fit", "unanchored: 1 lines", "3 batches follow each other"], done
    assert [line.endswith("/ is as signed") for line in lines[4:]] == [True] * 3, done
    assert done.stderr == ""
    assert len(blocks("audit.md")) == 4


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def test_a_changed_line_is_seen_by_hand(reviewer: Reviewer) -> None:
    closed = next((reviewer.root / "audit.closed").iterdir())
    rewrite(closed, b'"lane":"clear"', b'"lane":"held"')
    number = next(place for place, line in enumerate(closed.read_bytes().splitlines(), 1) if b"held" in line)
    done = reviewer.type(*blocks("audit.md"))
    assert done.stdout.startswith(f"{number + 1}c{number + 1}\n"), done
    assert "one chain" not in done.stdout


def test_a_log_that_was_cut_is_seen_by_hand(reviewer: Reviewer) -> None:
    (reviewer.root / "audit.jsonl").unlink()
    done = reviewer.type(*blocks("audit.md"))
    assert "one chain of" in done.stdout
    assert "THESE DO NOT FIT" in done.stdout
    assert "heads fit" not in done.stdout


def test_a_forged_batch_and_a_broken_order_are_seen_by_hand(reviewer: Reviewer) -> None:
    first, second, third = sorted((reviewer.root / "bags").iterdir())
    rewrite(second / "batch.json", b'"lane": "clear"', b'"lane": "held"')
    done = reviewer.type(*blocks("audit.md"))
    assert f"FORGED: bags/{second.name}/batch.json" in done.stderr
    assert "2 heads fit" in done.stdout
    assert "BROKEN at batch 3" in done.stdout
    assert "follow each other" not in done.stdout
    # The same number twice, with two digests.
    shutil.copytree(first, first.with_name("other"))
    rewrite(first.with_name("other") / "batch.json", b'"lane": "clear"', b'"lane": "held"')
    assert "TWO batches 1" in reviewer.type(*blocks("audit.md")).stdout
    assert f"bags/{second.name}/ is as signed" not in done.stdout
    assert f"bags/{third.name}/ is as signed" in done.stdout


def test_a_changed_packet_is_seen_by_hand(reviewer: Reviewer) -> None:
    bag = sorted((reviewer.root / "bags").iterdir())[1]
    packet = next((bag / "data" / "packets").iterdir())
    packet.write_bytes(packet.read_bytes()[:-1] + b"\0")
    done = reviewer.type(*blocks("audit.md"))
    assert f"bags/{bag.name}/ is as signed" not in done.stdout
    assert done.stdout.count("/ is as signed") == 2


@pytest.mark.parametrize("kind", KeyKind)
def test_a_packet_of_a_bag_is_opened_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: KeyKind) -> None:
    """Without Enveis from the bag to the text: age for classic keys, the script on npm's age for hybrid ones."""
    (tmp_path / "homes").mkdir()
    homes = TwoHomes(tmp_path / "homes", capsys, *(["--classic"] if kind is KeyKind.CLASSIC else []))
    reviewer = handed_over(homes, tmp_path / "reviewer")
    assert "3 heads fit" in reviewer.type(*blocks("audit.md")).stdout
    shutil.copy(homes.high / "identity.txt", reviewer.root)
    shutil.copy(DOCS / "open-packet.mjs", reviewer.root)
    (reviewer.root / "node_modules").symlink_to(npm_packages())
    packet = next((sorted((reviewer.root / "bags").iterdir())[0] / "data" / "packets").iterdir())
    shutil.copy(packet, reviewer.root / "PACKET.age")
    command = next(
        line
        for block in blocks("opening-a-packet.md")
        for line in block.splitlines()
        if line.startswith("age -d -i" if kind is KeyKind.CLASSIC else "node ")
    )
    done = reviewer.type(command)
    assert done.returncode == 0, done
    assert '"text 0"' in (reviewer.root / "packet" / "message.json").read_text()
    assert os.access(reviewer.root / "packet" / "manifest.json", os.R_OK)
