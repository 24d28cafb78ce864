"""Hostile files by name, and what must be found in each: set-up that the tests of several formats share."""

import tomllib
from pathlib import Path
from typing import Any, Final

from quarantine.examination import Examination
from quarantine.findings import Code

VECTORS: Final = Path(__file__).parents[1] / "vectors/quarantine"


def expectations(name: str) -> dict[str, dict[str, Any]]:
    """The data of one set: codes and lane of each file, by its name."""
    return tomllib.loads((VECTORS / f"{name}.toml").read_text())


def codes(examination: Examination) -> set[Code]:
    """What was found, without the order."""
    return {finding.code for finding in examination.findings}


def assert_as_expected(found: Examination, expected: dict[str, Any]) -> None:
    """Exactly these codes, and the lane that their grades lead to."""
    assert codes(found) == set(map(Code, expected["codes"]))
    assert ("held" if any(finding.holds for finding in found.findings) else "clear") == expected["lane"]
