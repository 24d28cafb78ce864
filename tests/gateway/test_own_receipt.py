"""The public halves of a source's own receipt, as people paste them; what is none is refused."""

import textwrap
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.submission.own_receipt import OwnReceiptError, parse_own_receipt
from keys.receipt import new_receipt_words, public_receipt
from keys.recipient import KeyKind
from transfer.bundle.qr_frames import encode_frames

PUBLIC = public_receipt(new_receipt_words(), KeyKind.HYBRID)
OTHER = public_receipt(new_receipt_words(), KeyKind.HYBRID)
LINES = [f"{name:<10} {text}" for name, text in asdict(PUBLIC).items()]
TEXT = "\n".join(LINES)
FRAMES = encode_frames(TEXT.encode())


@pytest.mark.parametrize(
    "pasted",
    [
        TEXT,
        "\r\n".join(LINES[::-1]),
        textwrap.indent(TEXT, "    "),
        " ".join(LINES),
        "\n".join(textwrap.fill(line, 80) for line in LINES),  # as a terminal of 80 columns wraps a line
        TEXT.replace(" ", ":\n\n ", 1),
        "\n".join(FRAMES),
        f"\n  {'  '.join(FRAMES[::-1])} ",
        "".join(FRAMES),
        "\n".join(textwrap.fill(frame, 60) for frame in FRAMES).lower(),
    ],
)
def test_it_is_read_however_it_is_pasted(pasted: str) -> None:
    assert parse_own_receipt(pasted, KeyKind.HYBRID) == PUBLIC


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "proof",
        TEXT.replace("proof", "prove"),
        "\n".join(LINES[:3]),
        f"{TEXT}\n{LINES[0]}",
        f"x {TEXT}",
        f"{TEXT} 0",
        TEXT.replace(PUBLIC.proof, PUBLIC.signing),
        TEXT.replace(PUBLIC.proof, "0" * 64),
        TEXT.replace(PUBLIC.recipient, PUBLIC.recipient.upper()),
        "\n".join(FRAMES[1:]),
        "\n".join([*FRAMES[1:], *encode_frames("\n".join(LINES[::-1]).encode())[:1]]),
        "\n".join(FRAMES)[:-1],
        "ENVEIS",
        f"{FRAMES[0]} {TEXT}",
        "\n".join(encode_frames("ø".encode())),
    ],
)
def test_what_is_no_receipt_is_refused(pasted: str) -> None:
    with pytest.raises(OwnReceiptError):
        parse_own_receipt(pasted, KeyKind.HYBRID)


def test_keys_of_another_kind_are_refused() -> None:
    with pytest.raises(OwnReceiptError):
        parse_own_receipt(TEXT, KeyKind.CLASSIC)
    assert parse_own_receipt(TEXT.replace(PUBLIC.lookup, OTHER.lookup), KeyKind.HYBRID) == replace(
        PUBLIC, lookup=OTHER.lookup
    )


@given(st.text(max_size=200) | st.text("ENVEISenveis27 \n", max_size=200))
def test_anything_else_is_refused_without_another_error(text: str) -> None:
    with pytest.raises(OwnReceiptError):
        parse_own_receipt(text, KeyKind.HYBRID)
