"""The lines for people who watch a machine: a closed list of events, a closed set of fields, two forms.

Invariant G4.
"""

import json
import string
import subprocess
import sys
from typing import Any

import pytest

from audit.operational_log import SENTENCES, LogEvent, LogFields, LogForm, choose_form, log


@pytest.fixture
def console() -> Any:
    choose_form(LogForm.CONSOLE)
    yield
    choose_form(LogForm.JSON)


def test_the_log_has_no_field_for_text() -> None:
    script = "from audit.operational_log import LogEvent, log\n"
    script += (
        "try:\n    int('CanarySecret')\nexcept ValueError as error:\n    log(LogEvent.FAULT, fault=error, count=3)\n"
    )
    script += "log(LogEvent.FAULT, fault=ValueError('CanarySecret'))\n"
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert said.stdout == ""
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    assert lines == [
        {"event": "fault", "type": "ValueError", "at": "<string>:3", "count": 3},
        {"event": "fault", "type": "ValueError", "at": "?"},
    ]


def test_every_event_has_a_sentence_of_known_fields() -> None:
    assert set(SENTENCES) == set(LogEvent)
    for event, sentence in SENTENCES.items():
        named = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
        assert named <= LogFields.__annotations__.keys(), event
        assert sentence.endswith((".", "{reason}")), event


def test_a_field_that_is_not_on_the_list_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TypeError, match="the log has no field name"):
        log(LogEvent.FAULT, name="CanarySecret")  # type: ignore[call-arg]  # what mypy refuses is refused at run time too
    assert capsys.readouterr().err == ""


def test_the_form_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    log(LogEvent.BATCH_SENT, batch=3, size=7, transmission=1, passes=2)
    line = capsys.readouterr().err
    assert json.loads(line) == {"event": "batch-sent", "batch": 3, "size": 7, "transmission": 1, "passes": 2}


@pytest.mark.usefixtures("console")
def test_the_form_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    log(LogEvent.BATCH_SENT, batch=3, size=7, transmission=1, passes=2)
    log(LogEvent.FAULT, fault=ValueError("CanarySecret"))
    log(LogEvent.SENDER_BLOCKED, reason="a\n\x1b[2Jb")
    assert capsys.readouterr().err.splitlines() == [
        "Batch 3 was sent: 7 bytes, transmission 1 of 2.",
        "A fault in Enveis. ValueError at ?.",
        "a??[2Jb",
    ]


def test_structlog_is_loaded_with_the_first_line() -> None:
    script = "import sys; from audit.operational_log import LogEvent, LogForm, choose_form, log; "
    script += "choose_form(LogForm.CONSOLE); before = 'structlog' in sys.modules; log(LogEvent.STOPPING); "
    script += "print(before, 'structlog' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]
