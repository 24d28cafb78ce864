"""The countries whose law and public bodies a letterbox can be set up for."""

from enum import StrEnum


class Country(StrEnum):
    """The country of one gateway; its value is that of the setting `country`."""

    NORWAY = "no"
    DENMARK = "dk"
