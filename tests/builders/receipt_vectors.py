"""The receipt of FORMAT.md 4.2: its words in each list, its number, and what they lead to."""

import re
from pathlib import Path
from typing import Final

_PAGE: Final = (Path(__file__).parents[2] / "transfer/packet/FORMAT.md").read_text()
_SECTION: Final = _PAGE[_PAGE.index("4.2. ") : _PAGE.index("4.3. ")]
# List, return words, proof words.
WORDS: Final = re.findall(r"^\| (English|Norwegian|Danish) \| ([a-z ]+) \| ([a-z ]+) \|$", _SECTION, re.MULTILINE)
NUMBER: Final = int(re.findall(r"the number `([0-9a-f]{25})`", _SECTION)[0], 16)
VALUES: Final = dict(re.findall(r"^\| ([^|]+) \| `([0-9a-f]+)` \|$", _SECTION, re.MULTILINE))
OLD_WORDS: Final = "adequate legal texture music timber vitamins frozen secret unfold explain"  # of version 1
