"""The style sheet knows no left and no right: an Arabic page is a mirror image, and one sheet serves both.

Invariant G8.
"""

import re
from collections.abc import Iterator

import pytest

from gateway.pages.rendering import STYLE, static

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'"[^"]*"')
DECLARATION = re.compile(r"(?<![\w-])([a-z-]+)\s*:\s*([^;{}]+)(?=[;}])")
SIDED = re.compile(r"(?<![a-z])(?:left|right)(?![a-z])")
# These have four values for four sides or corners: the second is at the right, the fourth at the left.
FOUR = re.compile(r"margin|padding|inset|border-(?:width|style|color|radius)|scroll-(?:margin|padding)")


def _physical(sheet: str) -> Iterator[str]:
    """Each declaration that would look wrong in a mirror."""
    plain = STRING.sub("", COMMENT.sub("", sheet))
    for name, value in DECLARATION.findall(plain):
        values = re.sub(r"\([^()]*\)", "", value.partition("!")[0]).split()
        is_uneven = FOUR.fullmatch(name) and "/" not in values and _is_uneven(name, values)
        if SIDED.search(name) or SIDED.search(value) or is_uneven or "translatex" in value.lower():
            yield f"{name}: {value.strip()}"


def _is_uneven(name: str, values: list[str]) -> bool:
    if name == "border-radius":
        return len(set(values)) > 1
    return len(values) == 4 and values[1] != values[3]


def test_nothing_in_the_style_sheet_has_a_left_or_a_right() -> None:
    assert list(_physical(static(STYLE))) == []


@pytest.mark.parametrize(
    "declaration",
    [
        *("padding-left: 1rem", "border-right: 1px solid", "left: 0", "text-align: right", "float: left"),
        *("margin: 0 1rem 0 0", "inset: 0 auto 0 0", "border-radius: 0 1rem 1rem 0", "border-top-left-radius: 1px"),
        *("transform: translateX(1rem)", "background-position: left top", "scroll-margin: 1px 2px 3px 4px"),
    ],
)
def test_what_has_one_is_found(declaration: str) -> None:
    assert list(_physical(f"/* left */ a {{ color: red; {declaration}; }}")) == [declaration]


@pytest.mark.parametrize(
    "declaration",
    [
        "padding-inline: 1rem 0",
        "margin: 0 1rem 2rem 1rem",
        "margin: 0 auto",
        "inset-inline-start: 0",
        "text-align: start",
    ],
)
def test_what_has_none_is_not(declaration: str) -> None:
    assert list(_physical(f"@media (min-width: 1px) {{ a::after {{ content: 'x'; {declaration}; }} }}")) == []
