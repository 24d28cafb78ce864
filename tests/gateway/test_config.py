"""gateway.toml: what init writes is what is read, and what makes no sense is refused with its bounds."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from disk.settings import SettingsError, read_settings
from gateway.home.config import GatewayConfig, encode_gateway_config, parse_listen
from gateway.home.editors_wording import PerLanguage, PublicBody
from quarantine.budgets import Budgets

ODD = GatewayConfig(
    name='Die "Redaktion" \\ Ærø 😀',
    listen="[::1]:0",
    bodies=(PublicBody(PerLanguage(nb='a "b" \\'), PerLanguage(en="x")), PublicBody(PerLanguage(en="ø"))),
    names=PerLanguage(da="Ø", ar="الصحيفة"),
    unreviewed_languages=("ar", "pl"),
    onion="a" * 56 + ".onion",
    allowed_types=("txt",),
    inspection=False,
    tick_seconds=2,
    also_hold=("archive.executable",),
    budgets=Budgets(depth=2, worker_cpu=60),
)


@pytest.mark.parametrize("config", [GatewayConfig(), ODD, GatewayConfig(bodies=())])
def test_written_and_read_back(tmp_path: Path, config: GatewayConfig) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(encode_gateway_config(config))
    assert read_settings(path, GatewayConfig) == config


def test_every_setting_is_written_below_its_reason() -> None:
    text = encode_gateway_config(GatewayConfig())
    assert sorted(tomllib.loads(text)) == sorted(field.name for field in fields(GatewayConfig))
    lines = text.splitlines()
    tables = [name for name in tomllib.loads(text) if name != "budgets"]
    for name in [*tables, *(field.name for field in fields(Budgets))]:
        at = next(i for i, line in enumerate(lines) if line.startswith((f"{name} = ", f"[{name}]", f"[[{name}]]")))
        at -= name == "bodies"  # an empty line stands between
        assert lines[at - 1].startswith("# ")
        assert lines[at - 1].endswith(".")


def test_a_new_gateway_has_no_lines_for_languages_that_few_editors_write() -> None:
    assert not re.search(r"^(\w+\.)?(sv|pl|uk|ar) = ", encode_gateway_config(GatewayConfig()), re.MULTILINE)
    lines = encode_gateway_config(ODD).splitlines()
    assert lines.count('ar = "الصحيفة"') == 1
    assert not [line for line in lines if line.startswith(("sv =", "name.ar", "who_can_act.ar"))]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"files_max": 0}, "'files_max' must be from 1 to 100"),
        ({"tick_seconds": 0}, "'tick_seconds'"),
        ({"min_rate_bytes": 0}, "'min_rate_bytes'"),
        ({"slots": 65}, "'slots'"),
        ({"reserve_bytes": 2**40}, "'reserve_bytes' must not be more"),
        ({"allowed_types": ()}, "'allowed_types'"),
        ({"allowed_types": ("exe",)}, "'allowed_types'"),
        ({"allowed_types": ("pdf", "pdf")}, "no two alike"),
        ({"languages": ()}, "'languages' must be some of da, en, nb, nn"),
        ({"languages": ("se",)}, "'languages'"),
        ({"languages": ("nb", "ar")}, "'languages' must be some of da, en, nb, nn"),
        ({"unreviewed_languages": ("nb",)}, "'unreviewed_languages' must be empty, or some of ar, pl, sv, uk"),
        ({"unreviewed_languages": ("se",)}, "'unreviewed_languages'"),
        ({"unreviewed_languages": ("ar", "ar")}, "no two alike"),
        ({"languages": ("en", "en")}, "no two alike"),
        ({"bodies": (PublicBody(PerLanguage(nb="a")), PublicBody(PerLanguage(en="a")))}, "no two alike"),
        ({"name": "a\nb"}, "one line"),
        ({"country": "se"}, "'country' must be one of dk, no"),
        ({"feedback_days": 91}, "'feedback_days' must be from 1 to 90"),
        ({"feedback_in": "weeks"}, "'feedback_in' must be one of days, working-days"),
        ({"closed_days": ("24-12",)}, "as MM-DD"),
        ({"closed_days": ("1-1",)}, "as MM-DD"),
        ({"closed_days": ("12-24", "12-24")}, "no two alike"),
        ({"withdrawal": "burns"}, "'withdrawal' must be one of deletes, restricts"),
        ({"name": "x" * 201}, "one line"),
        ({"welcome": PerLanguage(da="a\nb")}, "'welcome.da' must be one line"),
        ({"onion": "example.com"}, "'onion'"),
        ({"listen": "8080"}, "'listen'"),
        ({"also_hold": ("zip.nothing",)}, "'also_hold': there is no finding 'zip.nothing'"),
        ({"also_hold": ("privacy.pdf-author",)}, "'also_hold': 'privacy.pdf-author' is a warning to the source"),
        ({"also_hold": ("pdf.uri", "pdf.uri")}, "no two alike"),
        ({"budgets": Budgets(depth=17)}, "'budgets.depth' must be from 1 to 16"),
        ({"budgets": Budgets(worker_memory=1)}, "'budgets.worker_memory' must be from 268435456"),
        ({"budgets": Budgets(worker_cpu=5)}, "'budgets.pdf_walk_cpu' must be less than"),
        ({"budgets": Budgets(unpacked_bytes=2**27)}, "'budgets.member_bytes' must not be more"),
        ({"budgets": Budgets(members=20_000)}, "'budgets.answer_bytes' must be 150 times"),
    ],
)
def test_senseless_settings_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match="'") as raised:
        GatewayConfig(**changes)
    assert word in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_key_in_a_gateway_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("qouta_bytes = 1\n")
    with pytest.raises(SettingsError, match="unknown key 'qouta_bytes'"):
        read_settings(path, GatewayConfig)


def test_a_budget_is_read_from_its_table(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text("[budgets]\ndepth = 2\n")
    assert read_settings(path, GatewayConfig).budgets == Budgets(depth=2)
    for text, word in (
        ("depht = 2", "unknown key 'budgets.depht'"),
        ("depth = 0", "above zero"),
        ('depth = "2"', "int"),
    ):
        path.write_text(f"[budgets]\n{text}\n")
        with pytest.raises(SettingsError, match=word):
            read_settings(path, GatewayConfig)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("127.0.0.1:8080", ("127.0.0.1", 8080)), ("[::1]:0", ("::1", 0)), ("localhost:1", ("localhost", 1))],
)
def test_listen(text: str, parsed: tuple[str, int]) -> None:
    assert parse_listen(text) == parsed


@pytest.mark.parametrize("text", ["", "8080", ":8080", "h:", "h:-1", "h:65536", "::1:80", "h:٣", "[]:1"])
def test_listen_refused(text: str) -> None:
    with pytest.raises(ValueError, match="listen"):
        parse_listen(text)


@pytest.mark.parametrize("changes", [{"name": {}}, {"who_can_act": {"nb": "a"}}, {"name": {"nb": "a\nb"}}])
def test_a_body_needs_a_name_on_one_line(changes: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="bodies"):
        PublicBody(**{key: PerLanguage(**value) for key, value in changes.items()})
