"""The tables of docs/law.md: each text that the pages say about the law, with its source and its date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.home.country import Country
from gateway.law.texts import law_of

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "law.md"
MARK: Final = "<!-- python -m tests.builders.law_table writes what follows -->\n"
_HEADS: Final = {Country.NORWAY: "## Norway", Country.DENMARK: "## Denmark"}


def law_tables() -> str:
    """Return the part of the page below its mark."""
    return "".join(f"\n{line}" if line.startswith("##") else line for line in _lines())


def _lines() -> Iterator[str]:
    for country, head in _HEADS.items():
        law = law_of(country)
        yield f"{head}\n\n| text | what it is about | source | written |\n| --- | --- | --- | --- |\n"
        for text in law.texts:
            yield f"| `{text.name}` | {text.title.en} | {text.source} | {text.date} |\n"
        for entry in law.emergency:
            yield f"| {entry.number} | {entry.who.en} | {entry.source} | {entry.date} |\n"


if __name__ == "__main__":
    kept, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    PAGE.write_text(kept + mark + law_tables(), "utf-8")
