"""Settings: what is almost right is refused, in one sentence."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from desk.config import DeskConfig
from disk.settings import (
    BOUNDS,
    SETTINGS_MAX,
    WHY,
    SettingsError,
    check_settings,
    comment,
    encode_settings,
    read_settings,
    setting,
)
from gateway.home.config import GatewayConfig
from gateway.home.editors_wording import PerLanguage, PublicBody
from quarantine.budgets import Budgets
from transfer.diode.settings import ReceiverSettings, SenderSettings


@dataclass(frozen=True)
class Inner:
    size: int = 3

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("'inner.size' must be at least 1")


@dataclass(frozen=True)
class Settings:
    name: str
    quota: int = 7
    rate: float = 1.5
    on: bool = True
    kinds: tuple[str, ...] = ("pdf",)
    inner: Inner = field(default_factory=Inner)


def read(tmp_path: Path, text: str | bytes) -> Settings:
    path = tmp_path / "x.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_settings(path, Settings)


def test_defaults_and_values(tmp_path: Path) -> None:
    assert read(tmp_path, 'name = "a"') == Settings("a")
    text = 'name = "b"\nquota = 1\nrate = 2\non = false\nkinds = ["zip", "rar"]\n[inner]\nsize = 9\n'
    assert read(tmp_path, text) == Settings("b", 1, 2.0, on=False, kinds=("zip", "rar"), inner=Inner(9))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "key 'name' is missing"),
        ('name = "a"\nqouta = 1', "unknown key 'qouta'"),
        ('name = "a"\n[inner]\nsise = 1', "unknown key 'inner.sise'"),
        ("name = 1", "'name' must be str, not int"),
        ('name = "a"\nquota = true', "'quota' must be int, not bool"),
        ('name = "a"\nquota = 1.0', "'quota' must be int, not float"),
        ('name = "a"\nquota = "1"', "'quota' must be int, not str"),
        ('name = "a"\nrate = true', "'rate' must be float, not bool"),
        ('name = "a"\non = 1', "'on' must be bool, not int"),
        ('name = "a"\nkinds = "pdf"', "'kinds' must be a list"),
        ('name = "a"\nkinds = ["pdf", 1]', "'kinds[1]' must be str, not int"),
        ('name = "a"\ninner = 1', "'inner' must be a table"),
        ('name = "a"\n[inner]\nsize = 0', "'inner.size' must be at least 1"),
        ("name = ", "is not valid TOML"),
        ('name = "a"\nname = "b"', "is not valid TOML"),
        (b'name = "\xff"', "is not valid TOML"),
        (b"#" * (SETTINGS_MAX + 1), "is larger than"),
        (b"name = " + b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_refused_in_one_sentence(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, text)
    assert sentence in str(raised.value)
    assert "x.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "absent.toml", Settings)


@dataclass(frozen=True)
class Bounded:
    share: int = setting(5, bounds=(1, 9), why="Percent.")
    title: str = setting("x", bounds=(1, 3), why="A title.")
    form: str = setting("round", choices=("round", "square"), why="A form.")
    forms: tuple[str, ...] = setting(("round",), choices=("round", "square"), why="Forms.", heading="A part.")

    def __post_init__(self) -> None:
        check_settings(self)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"share": 0}, "'share' must be from 1 to 9"),
        ({"share": 10}, "'share' must be from 1 to 9"),
        ({"title": ""}, "'title' must be one line of 1 to 3 characters"),
        ({"title": "four"}, "'title' must be one line of 1 to 3 characters"),
        ({"title": "a\nb"}, "'title' must be one line of 1 to 3 characters"),
        ({"form": "oval"}, "'form' must be one of round, square"),
        ({"forms": ()}, "'forms' must be some of round, square"),
        ({"forms": ("round", "oval")}, "'forms' must be some of round, square"),
    ],
)
def test_a_value_out_of_its_bounds_is_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match="must be") as raised:
        Bounded(**changes)
    assert str(raised.value) == sentence


def test_each_setting_is_written_below_its_reason() -> None:
    assert encode_settings(Bounded(title="ø"), head="Head.") == (
        '# Head.\n\n# Percent.\nshare = 5\n\n# A title.\ntitle = "ø"\n\n# A form.\nform = "round"\n\n'
        '# A part.\n\n# Forms.\nforms = ["round"]\n'
    )


def test_a_long_reason_breaks_at_spaces_only() -> None:
    lines = comment("word-and-word " * 20 + "x" * 150).splitlines()
    assert all(line.startswith("# ") for line in lines)
    assert " ".join(line[2:] for line in lines).split() == ["word-and-word"] * 20 + ["x" * 150]


KINDS = (GatewayConfig, Budgets, DeskConfig, SenderSettings, ReceiverSettings, PublicBody)


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_ours_has_a_reason_and_every_number_has_bounds(kind: type[Any]) -> None:
    for each in fields(kind):
        assert each.metadata[WHY].endswith((".", "...")), each.name
        if each.type in {int, "int"}:
            low, high = each.metadata[BOUNDS]
            assert low <= each.default <= high, each.name


@pytest.mark.parametrize(
    ("kind", "name", "low", "high"),
    [
        (kind, each.name, *each.metadata[BOUNDS])
        for kind in (GatewayConfig, SenderSettings, ReceiverSettings)
        for each in fields(kind)
        if each.type in {int, "int"}
    ],
)
def test_numbers_beyond_their_bounds_are_refused(kind: type[Any], name: str, low: int, high: int) -> None:
    for wrong in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"'{name}' must be from {low} to {high}"):
            kind(**{name: wrong})


@pytest.mark.parametrize("limit", fields(Budgets), ids=lambda each: each.name)
def test_budgets_beyond_their_bounds_are_refused(limit: Any) -> None:
    _, high = limit.metadata[BOUNDS]
    with pytest.raises(ValueError, match=f"'budgets.{limit.name}' must be from"):
        replace(GatewayConfig(), budgets=Budgets(**{limit.name: high + 1}))


def test_a_text_in_a_table_is_bounded_by_its_setting() -> None:
    with pytest.raises(ValueError, match=r"'welcome.nb' must be one line of at most 2000 characters"):
        GatewayConfig(welcome=PerLanguage(nb="x" * 2001))
    with pytest.raises(ValueError, match=r"'bodies.name.da' must be one line of at most 200 characters"):
        PublicBody(PerLanguage(da="x" * 201))
