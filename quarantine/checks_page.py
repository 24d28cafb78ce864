"""Makes the findings of CHECKS.md from the table of codes and from checks.toml; no other program needs it.

    python -m quarantine.checks_page

The text around the findings is written by hand, in CHECKS.md itself, and kept.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from quarantine.findings import Code

PAGE: Final = Path(__file__).with_name("CHECKS.md")
DETAILS: Final = Path(__file__).with_name("checks.toml")
BEGIN: Final = "<!-- Made by `make checks-page` from findings.py and checks.toml: change those. -->\n"
END: Final = "<!-- The end of what is made. -->\n"
_GROUPS: Final = {
    "scanner": "The virus scanner",
    "archive": "Archives",
    "zip": "ZIP archives",
    "rar": "RAR archives",
    "document": "Office documents and e-mails",
    "file": "Files of any type",
    "pdf": "PDFs",
    "text": "Texts",
    "image": "Pictures",
    "privacy": "What may identify the source",
}
_LINES: Final = {"why": "Why", "seen": "Seen", "source": "Source"}  # in a finding's order

_BETWEEN: Final = re.compile(r"(?<=[.!?]) (?=[A-Z`])")


def page() -> str:
    """Return what CHECKS.md should be."""
    before, rest = PAGE.read_text("utf-8").split(BEGIN)
    after = rest.split(END)[1]
    details = tomllib.loads(DETAILS.read_text("utf-8"))
    return before + BEGIN + "\n" + "".join(_groups(details)) + END + after


def _groups(details: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    order = list(_GROUPS)
    for group, codes in groupby(sorted(Code, key=lambda code: order.index(_group(code))), _group):
        yield f"### {_GROUPS[group]}\n\n"
        for code in codes:
            lane = "held" if code.grade.holds else "clear"
            yield f"#### `{code.value}`\n\n{code.sentence}\nGrade `{code.grade.value}`: {lane}.\n\n"
            yield "".join(f"* {name}: {_by_sentence(details[code.value][line])}\n" for line, name in _LINES.items())
            yield "\n"


def _by_sentence(text: str) -> str:
    """Return `text` with each sentence on a line of its own, as all our pages have them."""
    return _BETWEEN.sub("\n  ", text)


def _group(code: Code) -> str:
    return code.value.partition(".")[0]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
