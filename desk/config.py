"""`desk.toml`: the settings of one desk. Read once at start."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class DeskConfig:
    """All settings; each is explained where it is written."""

    name: str = "the editors"

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        if not self.name or len(self.name) > 200 or not self.name.isprintable():
            raise ValueError("'name' must be one line of 1 to 200 characters")


def encode_config(config: DeskConfig) -> str:
    """Return the text of a desk.toml with every setting and what it is for."""
    return (
        "# The settings of this desk. A key that is not listed here is refused at start.\n\n"
        "# Who works here; stands on what the desk prints.\n"
        f"name = {json.dumps(config.name, ensure_ascii=False)}\n"
    )
