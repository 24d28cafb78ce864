"""`desk.toml`: the settings of one desk, each with its default, its bounds and its reason. Read once at start."""

from dataclasses import dataclass

from disk.settings import check_settings, encode_settings, setting


@dataclass(frozen=True)
class DeskConfig:
    """All settings, in the order in which they are written."""

    name: str = setting("the editors", bounds=(1, 200), why="Who works here; appears on what the desk prints.")
    close_after_hours: int = setting(
        12,
        bounds=(1, 8760),
        why="Hours for which what 'enveis desk open' wrote in this home stays there. No program of the desk waits for "
        "that time: the first 'enveis desk' command after it removes the plaintext, with all that was added to it.",
    )

    def __post_init__(self) -> None:
        """Raise ValueError with a sentence that names the key and its bounds."""
        check_settings(self)


def encode_desk_config(config: DeskConfig) -> str:
    """Return the text of a desk.toml with every setting and what it is for."""
    return encode_settings(config, head="The settings of this desk. A key that is not listed here is refused at start.")
