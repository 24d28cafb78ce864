"""What a source writes, in fields: `message.json` of a packet (FORMAT.md, section 5). Does no input or output.

Every field is optional, and nothing here was checked against anything. The bounds keep a packet readable; they are not
meant to limit a person, and a form that meets one says so.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from transfer.record import Record, encode_record, parse_record

MESSAGE_VERSION: Final = 1
MESSAGE_MAX: Final = 24 * 1024 * 1024  # bytes; all fields at their bounds, written as six-byte escapes, fit
VALUES_MAX: Final = 4_000  # of message.json; all people with all their names are some 2,800; FORMAT.md 6.5
TEXT_MAX: Final = 1024 * 1024  # characters of the matter in the person's own words
FIELD_MAX: Final = 1_000  # characters of any other field
PEOPLE_MAX: Final = 200
FAMILY_NAMES_MAX: Final = 8  # of one person


class MessageKind(StrEnum):
    """What the source wants."""

    COMPLAINT = "complaint"
    QUESTION = "question"  # a plain question or comment to the editors


class Side(StrEnum):
    """Where a person stands in the matter."""

    COMPLAINED_ABOUT = "complained-about"
    ON_MY_SIDE = "on-my-side"
    INVOLVED = "involved"  # a witness, or someone whose side is not given


class Relation(StrEnum):
    """What the source is to the public body."""

    PARTICIPANT = "participant"
    PARTNER = "partner"
    CUSTOMER = "customer"
    USER = "user"
    RELATIVE = "relative"
    OTHER = "other"


class Origin(StrEnum):
    """Whose matter it is, and how it came here; the field `road` of the format."""

    OWN = "own-matter"
    POWER_OF_ATTORNEY = "power-of-attorney"
    PASSED_ON = "passed-on"
    COPY = "copy"  # of a complaint that was sent elsewhere already
    CONVERSATION = "conversation"  # someone told it to the writer, who writes it down


@dataclass(frozen=True, slots=True)
class Person:
    """One person in the matter; the family names stand in the order in which they were given."""

    side: Side
    given_name: str = ""
    family_names: tuple[str, ...] = ()
    role: str = ""
    workplace: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """How the source may be reached, as far as they tell us."""

    name: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""  # postal; may have several lines
    language: str = ""  # wanted for the answer
    please_call: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """Everything but the files."""

    kind: MessageKind = MessageKind.COMPLAINT
    text: str = ""
    public_body: str = ""  # the entry of the gateway's list, by its name at that time
    public_body_other: str = ""  # in free text, when it is not on the list
    people: tuple[Person, ...] = ()
    contact: Contact = Contact()
    employed: bool = False  # works at that body, or did: whistleblowing law protects them then
    relation: Relation | None = None
    road: Origin | None = None
    writer_role: str = ""  # of whoever wrote a conversation down, such as a foreman
    read_back: bool | None = None  # whether the writer read it back to the person; None: not said
    page_language: str = ""  # of the form that was used, as a BCP 47 tag

    @property
    def is_empty(self) -> bool:
        """True when nothing was written: no text, no body in free text, nobody named, no way to answer."""
        return not (self.text.strip() or self.public_body_other or self.people or self.contact != Contact())


def encode_message(message: Message) -> bytes:
    """Return `message.json`."""
    contact = message.contact
    return encode_record(
        {
            "enveis_message": MESSAGE_VERSION,
            "kind": message.kind,
            "text": message.text,
            "public_body": message.public_body,
            "public_body_other": message.public_body_other,
            "people": [
                {
                    "side": person.side,
                    "given_name": person.given_name,
                    "family_names": list(person.family_names),
                    "role": person.role,
                    "workplace": person.workplace,
                }
                for person in message.people
            ],
            "contact": {
                "name": contact.name,
                "phone": contact.phone,
                "email": contact.email,
                "address": contact.address,
                "language": contact.language,
                "please_call": contact.please_call,
            },
            "employed": message.employed,
            "relation": message.relation,
            "road": message.road,
            "writer_role": message.writer_role,
            "read_back": message.read_back,
            "page_language": message.page_language,
        }
    )


def parse_message(untrusted_bytes: bytes) -> Message:
    """Return the message in `message.json`.

    Raises:
        RecordError: It is not of this version of the format, or beyond its bounds.
    """
    record = parse_record(untrusted_bytes, name="message.json", largest=MESSAGE_MAX, values=VALUES_MAX)
    record.integer("enveis_message", low=MESSAGE_VERSION, high=MESSAGE_VERSION)
    message = Message(
        kind=record.one_of("kind", MessageKind),
        text=record.text("text", longest=TEXT_MAX),
        public_body=record.text("public_body", longest=FIELD_MAX),
        public_body_other=record.text("public_body_other", longest=FIELD_MAX),
        people=record.items("people", most=PEOPLE_MAX, read=_person),
        contact=_contact(record.record("contact")),
        employed=record.flag("employed"),
        relation=record.optional("relation", lambda field: record.one_of(field, Relation)),
        road=record.optional("road", lambda field: record.one_of(field, Origin)),
        writer_role=record.text("writer_role", longest=FIELD_MAX),
        read_back=record.optional("read_back", record.flag),
        page_language=record.text("page_language", longest=35),  # RFC 5646, section 4.4.1
    )
    record.close()
    return message


def _person(untrusted: object, name: str) -> Person:
    record = Record(untrusted, name=name)
    person = Person(
        side=record.one_of("side", Side),
        given_name=record.text("given_name", longest=FIELD_MAX),
        family_names=record.items("family_names", most=FAMILY_NAMES_MAX, read=_name),
        role=record.text("role", longest=FIELD_MAX),
        workplace=record.text("workplace", longest=FIELD_MAX),
    )
    record.close()
    return person


def _name(untrusted: object, name: str) -> str:
    return Record({"name": untrusted}, name=name).text("name", longest=FIELD_MAX)


def _contact(record: Record) -> Contact:
    contact = Contact(
        name=record.text("name", longest=FIELD_MAX),
        phone=record.text("phone", longest=FIELD_MAX),
        email=record.text("email", longest=FIELD_MAX),
        address=record.text("address", longest=FIELD_MAX),
        language=record.text("language", longest=FIELD_MAX),
        please_call=record.flag("please_call"),
    )
    record.close()
    return contact
