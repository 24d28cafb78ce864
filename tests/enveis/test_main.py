"""The stations that `enveis.stations` keeps as text, and the failures that are reported as one sentence."""

import ast
import importlib
from pathlib import Path

import pytest

from disk.expected import ExpectedError
from enveis import stations
from enveis.command import Command
from enveis.errors import expected_sentence
from enveis.stations import load_commands

ROOT = Path(stations.__file__).parents[1]
STATIONS = ("audit", "desk", "disk", "enveis", "gateway", "keys", "quarantine", "transfer")

# These never leave their station: each is caught by the module that is named. A new one is either expected or listed.
INNER = {
    "UsageError": "enveis.main answers it with a status of its own",
    "DeriverBusyError": "the gateway answers 503",
    "OwnReceiptError": "the gateway answers with a page",
    "FieldTooLongError": "the gateway answers with a page",
    "NoReceiptError": "the gateway answers 503",
    "SubmissionError": "the gateway answers with a page",
    "PoolFullError": "the gateway answers 503",
    "SpentError": "the check of PDF files makes it a finding",
    "NoSlotError": "the gateway answers 503",
    "UnreadableZipError": "the check of ZIP files makes it a finding",
    "DamagedRarError": "the check of RAR files makes it a finding",
    "Stop": "the sender of a link ends its pass",
    "DamagedMemberError": "the check of ZIP files makes it a finding",
}


@pytest.mark.parametrize("station", stations.STATIONS)
def test_each_station_leads_to_its_commands(station: str) -> None:
    commands = load_commands(station)
    assert commands
    assert all(isinstance(command, Command) for command in commands)


def test_every_error_of_ours_is_expected_or_caught_in_its_station() -> None:
    roots = {
        node.name
        for station in STATIONS
        for path in (ROOT / station).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["Exception"]
    }
    assert roots == {*INNER, ExpectedError.__name__}


@pytest.mark.parametrize("station", ["audit", "desk", "gateway", "keys", "quarantine", "transfer"])
def test_what_a_station_calls_an_error_is_a_sentence_for_a_person(station: str) -> None:
    errors = importlib.import_module(f"{station}.errors")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    assert kinds
    for kind in kinds:
        assert issubclass(kind, ExpectedError), kind


def test_an_expected_error_is_one_line() -> None:
    assert expected_sentence(ExpectedError("one\nsentence")) == "one sentence"


def test_a_fault_of_ours_is_no_sentence_for_a_person() -> None:
    assert expected_sentence(RuntimeError("what led there")) is None
    assert expected_sentence(ValueError("what led there")) is None
