"""`Parts`: the intake of a submission and the short forms take the parts of a form in the same way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.form import WORDS_FIELD
from gateway.problems import Problem, SubmissionError
from gateway.reading.request_body import Parts
from gateway.reading.short_form import _ShortForm
from tests.gateway.test_intake import _Desk

MANY = 100_000  # parts, more than any form has


@pytest.fixture(params=["a submission", "a short form"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Parts]:
    if request.param == "a submission":
        return lambda: _Desk(tmp_path).intake
    return lambda: _ShortForm({WORDS_FIELD, "message"})


async def take(parts: Parts, name: str, *pieces: bytes) -> None:
    parts.part(name, None)
    for piece in pieces:
        await parts.data(piece)
    await parts.part_end()


async def test_a_field_is_here_when_its_part_has_ended(make: Callable[[], Parts]) -> None:
    parts = make()
    parts.part(WORDS_FIELD, None)
    await parts.data(b"acid")
    assert parts.fields.first(WORDS_FIELD) == ""
    await parts.part_end()
    assert parts.fields.first(WORDS_FIELD) == "acid"


async def test_how_a_field_is_split_does_not_matter(make: Callable[[], Parts]) -> None:
    text = "æøå, acid academic".encode()
    for cut in range(len(text) + 1):
        parts = make()
        await take(parts, WORDS_FIELD, text[:cut], text[cut:])
        assert parts.fields.first(WORDS_FIELD) == text.decode()
    parts = make()
    await take(parts, WORDS_FIELD)
    assert parts.fields.first(WORDS_FIELD) == ""


async def test_an_unknown_field_is_not_kept(make: Callable[[], Parts]) -> None:
    parts = make()
    await take(parts, "unknown", b"x")
    await take(parts, "message", b"y")
    assert parts.fields.first("unknown") == ""
    assert parts.fields.first("message") == "y"


async def test_fields_without_end_are_malformed(make: Callable[[], Parts]) -> None:
    parts = make()
    with pytest.raises(SubmissionError) as caught:
        for _ in range(MANY):
            await take(parts, "unknown")
    assert caught.value.problem is Problem.MALFORMED
