"""`enveis gateway check`: what it says of a home that nobody has edited, and what its exit status counts."""

import json
import os
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from enveis.commands import gateway_check
from enveis.main import main
from gateway.home.config import GatewayConfig, encode_gateway_config, unset_texts
from gateway.home.editors_wording import PerLanguage
from gateway.home.statements import AccessibilityStatement, LawReview, Receivers

TEXTS = {field.name for field in fields(GatewayConfig) if field.type is PerLanguage} - {"names"}

# Where these are empty nothing is missing: others say the same, or nobody has to.
SPARE = {"names", "danger.advice", "accessibility.shortcomings", "accessibility.responsible"}


def texts_of(settings: Any, prefix: str = "") -> Iterator[str]:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, PerLanguage):
            yield prefix + field.name
        elif is_dataclass(value):
            yield from texts_of(value, f"{field.name}.")


@pytest.fixture
def low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh gateway on a machine where cage and scanner are fit, swap is off and nobody is root."""
    for name, value in (("_cage_rows", ([], True)), ("_scanner_state", ("fit", True))):
        monkeypatch.setattr(gateway_check, name, lambda *_, value=value, **__: value)
    monkeypatch.setattr("gateway.hardening.swap_is_active", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    high, low = tmp_path / "high", tmp_path / "low"
    assert main(["desk", "init", "--classic", "--home", str(high), "--backup", str(tmp_path / "backup")]) == 0
    files = ["--recipients", str(high / "recipients.txt"), "--desk-key", str(high / "desk.pub")]
    assert main(["gateway", "init", "--home", str(low), *files]) == 0
    return low


def check(low: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main(["gateway", "check", "--home", str(low), *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def complete(low: Path) -> None:
    told: dict[str, Any] = {key: PerLanguage(nb="x") for key in TEXTS}
    told |= {
        "receivers": Receivers(editors=PerLanguage(nb="x"), contact=PerLanguage(nb="x")),
        "law_review": LawReview("x", "2999-12-31"),
        "accessibility": AccessibilityStatement(
            stated_on="2026-12-31", assessed=PerLanguage(nb="x"), feedback=PerLanguage(nb="x")
        ),
    }
    told |= {key: "x" for key, _ in unset_texts(replace(GatewayConfig(), **told))}
    (low / "gateway.toml").write_text(encode_gateway_config(replace(GatewayConfig(), **told)))


def test_a_fresh_home_names_every_unset_text(low: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, warnings = check(low, capsys)
    assert status == 0
    named = {line.split("'")[1] for line in warnings.splitlines() if "is not set" in line}
    assert named == {key for key, _ in unset_texts(GatewayConfig())}
    assert named >= {"name", "welcome", "arrange", "legal_basis", "receivers.editors", "receivers.contact"}
    assert named >= {"law_review.by", "accessibility.stated_on", "accessibility.assessed", "accessibility.feedback"}
    assert all(str(low / "gateway.toml") in line for line in warnings.splitlines() if "is not set" in line)


def test_every_text_of_the_editors_is_asked_for() -> None:
    """A new one says at its field what sources miss while it is empty, or stands in the short list here."""
    every = set(texts_of(GatewayConfig()))
    assert every - {key for key, _ in unset_texts(GatewayConfig())} == SPARE
    assert len(every) > 8


def test_programs_read_the_same(low: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["what"]: row["state"] for row in json.loads(check(low, capsys, "--json")[1])}
    assert {f"not set: {key}": instead for key, instead in unset_texts(GatewayConfig())}.items() <= rows.items()
    assert (rows["swap"], rows["runs as root"]) == ("off", "no")


def test_before_the_opening_everything_is_set(low: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(low, capsys, "--before-opening")[0] == 1
    complete(low)
    assert check(low, capsys, "--before-opening")[0] == 0


def test_a_review_that_is_older_than_a_text_is_no_review(low: Path, capsys: pytest.CaptureFixture[str]) -> None:
    complete(low)
    settings = (low / "gateway.toml").read_text()
    (low / "gateway.toml").write_text(settings.replace("2999-12-31", "2026-11-29"))
    status, _, warnings = check(low, capsys, "--before-opening")
    assert (status, "have changed since 2026-11-29" in warnings) == (1, True)


def test_a_name_in_one_language_is_a_name() -> None:
    assert "name" not in dict(unset_texts(GatewayConfig(names=PerLanguage(da="x"))))


@pytest.mark.parametrize(
    ("path", "value", "row", "words"),
    [
        ("gateway.hardening.swap_is_active", lambda: True, ("swap", "ON"), "Swap is on"),
        ("os.geteuid", lambda: 0, ("runs as root", "YES"), "runs as root"),
    ],
)
def test_a_machine_that_exposes_memory_is_named(
    low: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    value: Any,
    row: tuple[str, str],
    words: str,
) -> None:
    complete(low)
    monkeypatch.setattr(path, value)
    status, answer, warnings = check(low, capsys, "--json")
    assert (status, words in warnings) == (0, True)
    assert {"what": row[0], "state": row[1]} in json.loads(answer)
    assert check(low, capsys, "--before-opening")[0] == 1
