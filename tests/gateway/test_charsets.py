"""Text in other encodings: what is read as what, and that nothing raises or costs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.charsets import readable
from gateway.form import Fields


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"", ""),
        ("Blåbærsyltetøy 🐟".encode(), "Blåbærsyltetøy 🐟"),
        ("Blåbærsyltetøy".encode("latin-1"), "Blåbærsyltetøy"),
        ("”Blåbær” – 5 €".encode("cp1252"), "”Blåbær” – 5 €"),
        # Cut in the middle of a character, or damaged in one place: it stays what it is.
        ("på på på på".encode()[:-1], "på på på p\ufffd"),
        ("Blå\udcffbær på".encode(errors="surrogateescape"), "Blå\ufffdbær på"),
        (b"\x81\x8d", "\ufffd\ufffd"),
    ],
)
def test_the_text(sent: bytes, text: str) -> None:
    assert readable(sent) == text


@given(st.binary(max_size=200))
def test_every_byte_string_is_a_text_that_can_be_written(sent: bytes) -> None:
    readable(sent).encode()


def test_a_long_text_of_bytes_that_are_no_text_costs_little() -> None:
    started = time.process_time()
    for byte in (b"\xff", b"\x81", b"\xc3"):
        readable(byte * 4_000_000)
    assert time.process_time() - started < 2


def test_a_field_of_an_old_program_is_readable() -> None:
    fields = Fields()
    fields.add("message", "Politiet på Ås\r\nsa nei".encode("latin-1"))
    assert fields.first("message") == "Politiet på Ås\nsa nei"
