"""Settings: what is almost right is refused, in one sentence."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from disk.settings import SETTINGS_MAX, SettingsError, read_settings


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
