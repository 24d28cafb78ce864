"""Which language a visitor reads: what the address says, else what the browser prefers."""

import pytest

from gateway.languages import REVIEWED, UNREVIEWED, Asked, Language, preferred, read_address

NB, NN, DA, EN = Language.BOKMAL, Language.NYNORSK, Language.DANISH, Language.ENGLISH
ALL = REVIEWED


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", NB),
        ("nn-NO,nn;q=0.9,en;q=0.1", NN),
        ("en;q=0.4, da;q=0.5", DA),
        ("en;q=0, da;q=0.1", DA),
        ("no", NB),
        ("NO-no", NB),
        ("se, nn;q=0.5", NB),
        ("fo;q=0.9, en;q=0.5", DA),
        ("en-US,en;q=0.5", EN),
        ("pl, de;q=0.8", EN),
        ("*", NB),
        ("pl, *;q=0.1", NB),
        ("en;q=0", EN),
        ("da;q=0", EN),
        ("nb;q=9, nn", NN),
        ("nb;;;, \0, nn", NN),
        ("da;q=1.000,en;q=0.999", DA),
        ("x," * 31 + "da", DA),
        ("x," * 32 + "da", EN),
        ("x" * 999 + ",da", EN),
    ],
)
def test_what_a_browser_prefers(header: str, language: Language) -> None:
    assert preferred(header, ALL) is language


def test_without_english_who_reads_none_gets_the_first() -> None:
    assert preferred("en, pl", (DA, NN)) is DA


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", Asked("/", DA)),
        ("/nb", Asked("/", NB)),
        ("/nb/", Asked("/", NB)),
        ("/nn/submit", Asked("/submit", NN)),
        ("/submit", Asked("/submit", DA)),
        ("/nbx/submit", Asked("/nbx/submit", DA)),
        ("/NB/submit", Asked("/NB/submit", DA)),
        ("/nb//nn/submit", Asked("//nn/submit", NB)),
        ("/en/submit", Asked("/en/submit", DA)),
        ("*", Asked("*", DA)),
    ],
)
def test_the_address_says_the_language(path: str, asked: Asked) -> None:
    assert read_address(path, "da, nb;q=0.5", (NB, NN, DA)) == asked


@pytest.mark.parametrize("language", UNREVIEWED)
def test_an_unreviewed_language_is_there_only_where_it_is_switched_on(language: Language) -> None:
    header, path = f"{language}, da;q=0.5", f"/{language}/return"
    assert read_address(path, header, ALL) == Asked(path, DA)
    assert read_address(path, header, (*ALL, language)) == Asked("/return", language)
    assert preferred(header, ALL) is DA
    assert preferred(header, (*ALL, language)) is language


def test_only_arabic_begins_at_the_right() -> None:
    assert [language for language in Language if language.direction == "rtl"] == [Language.ARABIC]
    assert set(UNREVIEWED) | set(REVIEWED) == set(Language)
    assert [language for language in Language if language.is_unreviewed] == list(UNREVIEWED)
