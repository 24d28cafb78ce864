"""The licence goes with every copy: its text is verified, no build leaves it behind, the table of licences is true."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.builders.licence_table import licence_page

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "LICENSES"
TEXT = "EUPL-1.2.txt"


@pytest.fixture(scope="module")
def text() -> bytes:
    """Return the licence's text as `make licence` brings it in."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    # -o: the environment that runs this test is never made again under it, whatever the times of its files are.
    subprocess.run(
        ["make", "-o", ".venv/.locked", "licence"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
    return (FOLDER / TEXT).read_bytes()


def test_two_lists_of_licences_have_the_same_words(text: bytes) -> None:
    second = json.loads((FOLDER / "node_modules" / "choosealicense-list" / "licenses.json").read_text("utf-8"))
    # The two differ in the case of the title, in quotation marks and in line breaks, and in nothing else.
    words = re.findall(r"\w+", text.decode().lower())
    assert len(words) > 2_000
    assert words == re.findall(r"\w+", second["EUPL-1.2"]["body"].lower())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with our build settings and empty stations."""
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for package in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "LICENSES").mkdir()
    shutil.copy(FOLDER / f"{TEXT}.sha256", tmp_path / "LICENSES")
    # As in the repository: the text is ignored by Git, and has to be packed all the same.
    shutil.copy(ROOT / ".gitignore", tmp_path)
    return tmp_path


def build(project: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build"]
    return subprocess.run(command, cwd=project, check=False, capture_output=True, text=True, timeout=120)


def test_every_wheel_and_source_distribution_has_the_text(project: Path, text: bytes) -> None:
    (project / "LICENSES" / TEXT).write_bytes(text)
    shutil.copytree(ROOT / "keys" / "word_lists", project / "keys" / "word_lists")
    done = build(project)
    assert done.returncode == 0, done.stderr
    (wheel,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        stem = wheel.name.split("-py3")[0]
        assert archive.read(f"{stem}.dist-info/licenses/LICENSES/{TEXT}") == text
        assert archive.read(f"{stem}.dist-info/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert b"License-Expression: EUPL-1.2\n" in archive.read(f"{stem}.dist-info/METADATA")
        # Data beside the modules: without it, receipts have no words.
        for name in ("norwegian.txt", "danish.txt"):
            assert archive.read(f"keys/word_lists/{name}") == (ROOT / "keys" / "word_lists" / name).read_bytes()
    (source,) = (project / "dist").glob("*.tar.gz")
    with tarfile.open(source) as archive:
        member = archive.extractfile(f"{source.name.removesuffix('.tar.gz')}/LICENSES/{TEXT}")
        assert member is not None
        assert member.read() == text


@pytest.mark.parametrize("fault", ["missing", "altered"])
def test_nothing_is_built_without_the_text(project: Path, text: bytes, fault: str) -> None:
    if fault == "altered":
        (project / "LICENSES" / TEXT).write_bytes(text + b"\n")
    done = build(project)
    assert done.returncode != 0
    assert "make licence" in done.stderr
    assert not list(project.glob("dist/*"))


def test_the_table_of_licences_is_what_the_packages_state() -> None:
    assert (ROOT / "docs" / "licences.md").read_text("utf-8") == licence_page(), "run `make licence-table`"
