"""The page of invariants: each id once, each test that it names exists, and whoever cites an id cites one of these."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "invariants.md").read_text("utf-8")
ID = r"[GQTLKADXE][1-9][0-9]*"
LISTED = re.findall(rf"^\* \*\*({ID})\*\* (.*(?:\n  [^ *].*)*)\n((?:  .*\n?)+)", PAGE, re.MULTILINE)
# A citation: the word, then one id or several.
CITED = re.compile(rf"\bInvariants? ({ID}(?:(?:, | and |, and ){ID})*)(?![\w*])")


def test_each_id_stands_once() -> None:
    ids = [number for number, _, _ in LISTED]
    assert len(ids) == PAGE.count("* **") >= 60
    assert [number for number, times in Counter(ids).items() if times > 1] == []


@pytest.mark.parametrize(("number", "guards"), [(number, guards) for number, _, guards in LISTED])
def test_each_test_that_is_named_exists(number: str, guards: str) -> None:
    named = re.findall(r"`(tests/[\w./]+\.py)(?:::(\w+))?`", guards)
    assert named, f"{number} names no test"
    for path, name in named:
        assert (ROOT / path).is_file(), f"{number}: {path}"
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not name or name in functions, f"{number}: {path}::{name}"


def test_each_id_that_is_cited_is_listed() -> None:
    known = {number for number, _, _ in LISTED}
    stations = {path.parent for path in ROOT.glob("*/__init__.py")} | {ROOT / "tests", ROOT / "docs"}
    cited = {
        (str(path.relative_to(ROOT)), number)
        for station in stations
        for path in station.rglob("*")
        if path.suffix in (".py", ".md", ".html")
        for group in CITED.findall(path.read_text("utf-8"))
        for number in re.findall(ID, group)
    }
    six = re.findall(rf"\(({ID})\)", (ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    assert len(six) >= 6
    cited |= {("ARCHITECTURE.md", number) for number in six}
    assert [(path, number) for path, number in sorted(cited) if number not in known] == []
    assert len(cited) > 1, "what cites the ids must be seen"
