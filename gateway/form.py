"""The form's fields: from what a browser sent to a Message, and back into the page when something was wrong.

Knows every name a field may have; what it does not know it ignores, for browsers and add-ons send their own.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from gateway.charsets import readable
from transfer.packet.message import (
    FAMILY_NAMES_MAX,
    FIELD_MAX,
    PEOPLE_MAX,
    TEXT_MAX,
    Contact,
    Message,
    MessageKind,
    Origin,
    Person,
    Relation,
    Side,
)

T = TypeVar("T")
PERSON_ROWS: Final = 6  # empty rows from the start, so that nobody needs a button to add one
FIELDS_MAX: Final = 4_000  # in one submission; 200 people of 12 fields and the rest
FIELD_BYTES_MAX: Final = 4 * FIELD_MAX  # bytes of one field but the text: UTF-8 takes four for one character
BESIDE_TEXT_MAX: Final = 256 * 1024  # bytes of all names and values beyond the longest text
_PERSON: Final = re.compile(r"person-([1-9][0-9]{0,2})-(side|given_name|family_names|role|workplace)", re.ASCII)
WORDS_FIELD: Final = "words"  # the return words of a source who adds to a case; they come before the files
OWN_RECEIPT_FIELD: Final = "receipt_public"  # public halves of a receipt that the source made
EMPLOYED_FIELD: Final = "employed"  # "yes" from whoever works at the body, or did
_BETWEEN_NAMES: Final = re.compile(r"[,;\n]")  # never a space: "van der Berg" is one name
_YES_OR_NO: Final = {"yes": True, "no": False}
_JOINTS: Final = {"message": "\n\n", "contact_address": "\n", OWN_RECEIPT_FIELD: "\n"}  # between texts of one name
_JOINT: Final = "; "  # in all other fields
FORM_FIELD: Final = "form"  # the hidden token of one form; submission/repeats.py
_PLAIN: Final = frozenset(
    {
        "kind",
        "public_body",
        "public_body_other",
        EMPLOYED_FIELD,
        "relation",
        "road",
        "writer_role",
        "read_back",
        "contact_name",
        "contact_phone",
        "contact_email",
        "contact_address",
        "contact_language",
        "contact_please_call",
        WORDS_FIELD,
        OWN_RECEIPT_FIELD,
        FORM_FIELD,
    }
)


class FieldTooLongError(Exception):
    """A field is longer than the packet's format allows; `name` is our name for it."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(f"the field {name} is longer than {limit} characters")
        self.name = name
        self.limit = limit


@dataclass(slots=True)
class Fields:
    """What was typed, by the field's name; several values of one name in the order in which they came.

    Kept as the bytes that came, and read anew whenever somebody asks: as text they take up to four times as much.
    """

    values: dict[str, list[bytes]] = field(default_factory=dict, repr=False)

    def add(self, name: str, untrusted_value: bytes) -> None:
        """Take a field that `is_known`."""
        self.values.setdefault(name, []).append(untrusted_value)

    def first(self, name: str) -> str:
        """Return the first value of a field, empty when there is none."""
        return _typed(next(iter(self.values.get(name, ())), b""))

    def text(self, name: str) -> str:
        """Return what was typed into a field. Texts that came under one name are joined, so that none is lost."""
        return _JOINTS.get(name, _JOINT).join(dict.fromkeys(filter(None, self.all(name))))

    def all(self, name: str) -> Sequence[str]:
        """Return every value of a field."""
        return [_typed(value) for value in self.values.get(name, ())]

    @property
    def size(self) -> int:
        """Bytes of all values."""
        return sum(len(value) for values in self.values.values() for value in values)

    def forget(self) -> None:
        """Drop all of it: the page that shows it is made."""
        self.values.clear()


def _typed(untrusted_value: bytes) -> str:
    return readable(untrusted_value).replace("\r\n", "\n").replace("\r", "\n")


def is_known(untrusted_name: str) -> bool:
    """Return whether the form has a field of that name."""
    return untrusted_name == "message" or untrusted_name in _PLAIN or bool(_PERSON.fullmatch(untrusted_name))


def parse_form(fields: Fields, *, bodies: Sequence[str], page_language: str) -> Message:
    """Return what the source typed and chose. A choice that is not on the form counts as not made, but for a body.

    Raises:
        FieldTooLongError: A field is longer than the format allows.
    """
    body = next((body for body in fields.all("public_body") if body in bodies), "")
    return Message(
        kind=_choice(MessageKind, fields.all("kind")) or MessageKind.COMPLAINT,
        text=_bounded("message", fields.text("message"), TEXT_MAX),
        public_body=body,
        public_body_other=_other_bodies(fields, chosen=body),
        people=_people(fields),
        contact=Contact(
            name=_line(fields, "contact_name"),
            phone=_line(fields, "contact_phone"),
            email=_line(fields, "contact_email"),
            address=_line(fields, "contact_address"),
            language=_line(fields, "contact_language"),
            please_call="yes" in fields.all("contact_please_call"),
        ),
        employed=is_employed(fields),
        relation=_choice(Relation, fields.all("relation")),
        road=_choice(Origin, fields.all("road")) or (Origin.CONVERSATION if has_conversation(fields) else None),
        writer_role=_line(fields, "writer_role"),
        read_back=_YES_OR_NO.get(fields.first("read_back")),
        page_language=page_language,
    )


def _people(fields: Fields) -> tuple[Person, ...]:
    # By the number in the name, not by arrival: rows are numbered in the order that the source sees.
    numbers = sorted({int(match[1]) for name in fields.values if (match := _PERSON.fullmatch(name))})
    people = [person for number in numbers if (person := _person(fields, number)) is not None]
    if len(people) > PEOPLE_MAX:
        raise FieldTooLongError("people", PEOPLE_MAX)
    return tuple(people)


def _person(fields: Fields, number: int) -> Person | None:
    prefix = f"person-{number}-"
    typed = "\n".join(fields.all(f"{prefix}family_names"))
    families = [name.strip() for name in _BETWEEN_NAMES.split(typed) if name.strip()]
    for name in families:
        _bounded(f"{prefix}family_names", name, FIELD_MAX)
    if len(families) > FAMILY_NAMES_MAX:
        raise FieldTooLongError(f"{prefix}family_names", FAMILY_NAMES_MAX)
    person = Person(
        side=_choice(Side, fields.all(f"{prefix}side")) or Side.COMPLAINED_ABOUT,
        given_name=_line(fields, f"{prefix}given_name"),
        family_names=tuple(families),
        role=_line(fields, f"{prefix}role"),
        workplace=_line(fields, f"{prefix}workplace"),
    )
    # The side is preselected: by itself it says nothing.
    return person if person != Person(person.side) else None


def _line(fields: Fields, name: str) -> str:
    return _bounded(name, fields.text(name).strip(), FIELD_MAX)


def _other_bodies(fields: Fields, *, chosen: str) -> str:
    # A program may name a body that is not on the list, or several. What a source says of it is kept as text.
    named = (body for body in fields.all("public_body") if body not in {"", chosen})
    texts = dict.fromkeys([fields.text("public_body_other").strip(), *named])
    return _bounded("public_body_other", _JOINT.join(filter(None, texts)), FIELD_MAX)


def _bounded(name: str, text: str, limit: int) -> str:
    if len(text) > limit:
        raise FieldTooLongError(name, limit)
    return text


def _choice(kind: Callable[[str], T], untrusted: Sequence[str]) -> T | None:
    for value in untrusted:
        with contextlib.suppress(ValueError):
            return kind(value)
    return None


def is_preselected(name: str) -> bool:
    """Return whether a browser sends a value for this field although nobody typed or chose anything."""
    return name in ("kind", FORM_FIELD) or name.endswith("-side")


def is_employed(fields: Fields) -> bool:
    """Return whether the source says that they work at the body, or did: whistleblowing law protects them then."""
    return "yes" in fields.all(EMPLOYED_FIELD)


def has_conversation(fields: Fields) -> bool:
    """Return whether the source says something about a conversation that they write down."""
    said = fields.first("writer_role").strip() or fields.first("read_back") in _YES_OR_NO
    return bool(said) or fields.first("road") == Origin.CONVERSATION


def has_details(fields: Fields) -> bool:
    """Return whether anything was typed or chosen beyond the source's own words."""
    untouched = {"message", WORDS_FIELD}
    typed = (name for name, values in fields.values.items() if any(values) and not is_preselected(name))
    chosen = fields.first("kind") not in ("", MessageKind.COMPLAINT)
    return chosen or any(name not in untouched for name in typed)


def rows_closed_up(fields: Fields) -> tuple[Fields, dict[int, int]]:
    """Return the fields as the page shows them, and for each row's number that is kept the one it has there.

    The first PERSON_ROWS rows are always there, of the others those in which something was typed, without a gap: a
    page is as long as what was filled in, not as the largest number that somebody writes.
    """
    kept = sorted({*range(1, PERSON_ROWS + 1), *filled_rows(fields)})[:PEOPLE_MAX]
    places = {number: place for place, number in enumerate(kept, start=1)}
    moved = {name: row_closed_up(name, places) for name in fields.values}
    return Fields({moved[name]: values for name, values in fields.values.items() if moved[name]}), places


def row_closed_up(name: str, places: dict[int, int]) -> str:
    """Return the name that a field has on the page; empty when it is of a row that is not there."""
    match = _PERSON.fullmatch(name)
    if match is None:
        return name
    place = places.get(int(match[1]))
    return "" if place is None else f"person-{place}-{match[2]}"


def person_rows(fields: Fields) -> int:
    """Return how many rows the page shows of fields that are `rows_closed_up`: PERSON_ROWS at least, one to spare."""
    return min(max(PERSON_ROWS, *filled_rows(fields), 1 + len(filled_rows(fields))), PEOPLE_MAX)


def filled_rows(fields: Fields) -> set[int]:
    """Return the numbers of the person rows in which something was typed."""
    return {
        int(match[1])
        for name, values in fields.values.items()
        if (match := _PERSON.fullmatch(name)) and match[2] != "side" and any(values)
    }
