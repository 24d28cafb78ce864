"""One sentence a line in our pages, so that a change of a sentence shows as a change of a line.

`python -m tests.builders.sentence_lines PAGE ...` rewrites pages so; a test compares.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ITEM: Final = re.compile(r"\s*(?:[*-]|\d+\.) ")
_VERBATIM: Final = re.compile(r"\s*(?:#|\||<|>|\[[^\]]+\]: |$)")  # headings, tables, HTML, quotations, references
_KEPT_WHOLE: Final = re.compile(r"`[^`]*`|\]\([^)]*\)")
# ... or the number of a paragraph ("2.1."), as the formats have them.
_ABBREVIATION: Final = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|cf|vs|v|No|Mr|Ms)\.$|^\s*\d+(?:\.\d+)+\.$")
_END: Final = re.compile(r"[.!?][\"”’)]*(?= )")


def one_sentence_a_line(page: str) -> str:
    """Return the page with a line break after each sentence, and none within; code and tables stay as they are."""
    return "".join(f"{line}\n" for block, is_text in _blocks(page) for line in (_reflowed(block) if is_text else block))


def crowded_lines(page: str) -> list[str]:
    """Return the lines in which a sentence ends before the line does. A long sentence may have several lines."""
    texts = (line for block, is_text in _blocks(page) if is_text for line in block)
    return [line for line in texts if len(_reflowed([line])) > 1]


def _blocks(page: str) -> Iterator[tuple[list[str], bool]]:
    """Yield what belongs together: a paragraph or an item of a list (text), or one line of anything else."""
    block: list[str] = []
    fence = ""
    for line in page.splitlines():
        mark = re.match(r"\s*(```+|~~~+)", line)
        indented = not block and line.startswith("    ") and not _ITEM.match(line)  # code, too
        if fence or mark or indented or _VERBATIM.match(line):
            yield block, True
            yield [line], False
            block = []
            if mark:
                fence = "" if fence == mark[1] else fence or mark[1]
            continue
        if _ITEM.match(line):
            yield block, True
            block = []
        block.append(line)
    yield block, True


def _reflowed(block: list[str]) -> list[str]:
    if not block:
        return []
    marker = _ITEM.match(block[0]) or re.match(r"\s*", block[0])
    first = marker[0] if marker else ""
    text = " ".join([block[0][len(first) :].strip(), *(line.strip() for line in block[1:])])
    # A full stop within code or an address ends no sentence.
    masked = _KEPT_WHOLE.sub(lambda match: "x" * len(match[0]), text)
    sentences, begin = [], 0
    for end in _END.finditer(masked):
        if not _ABBREVIATION.search(masked[begin : end.end()]):
            sentences.append(text[begin : end.end()].strip())
            begin = end.end()
    sentences.append(text[begin:].strip())
    return [(first if number == 0 else " " * len(first)) + one for number, one in enumerate(filter(None, sentences))]


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(one_sentence_a_line(path.read_text("utf-8")), "utf-8")
