"""JSON that a stranger made is counted before anything is built of it: its memory is bounded. Invariant D8."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transfer.batch.acknowledgement import ANSWER_FILE_MAX, Acknowledgement, encode_answers, parse_answers
from transfer.batch.batch import NUMBER_MAX, PACKETS_MAX, GatewayId
from transfer.names import Lane, PacketId
from transfer.packet.manifest import (
    FILES_MAX,
    FINDINGS_MAX,
    REFUSED_MAX,
    FileNote,
    FindingNote,
    Manifest,
    Outcome,
    ReceiptNote,
    RefusedNote,
    encode_manifest,
    parse_manifest,
)
from transfer.packet.message import (
    FAMILY_NAMES_MAX,
    MESSAGE_MAX,
    PEOPLE_MAX,
    Message,
    Person,
    Side,
    encode_message,
    parse_message,
)
from transfer.record import DEPTH_MAX, RecordError, parse_record

MEMORY_MAX = 256 * 2**10  # KiB resident at most, the interpreter and the bytes themselves included; FORMAT.md 6.5

# What a child makes in its own memory and parses: the beginning, what is repeated to the format's size, the end.
HOSTILE = {
    "empty lists": (b'{"a":[', b"[],", b"1]}"),
    "empty objects": (b'{"a":[', b"{},", b"1]}"),
    "strings": (b'{"a":[', b'"ab",', b'"c"]}'),
    "numbers": (b'{"a":[', b"999,", b"1]}"),
    "lists in lists": (b"", b"[", b""),
    "brackets that close": (b"{}", b"]", b""),
    "escaped quotes": (b'{"text":"', b'\\"', b'"}'),
    "backslashes": (b'{"text":"', b"\\\\", b'"}'),
    "a string without an end": (b'{"text":"', b"a", b""),
    "one wide character": (b'{"text":"\xf0\x9f\x98\x80', b"a", b'"}'),
    "blanks": (b'{"text":1', b" ", b"}"),
}
CHILD = """
import sys
from pathlib import Path
from transfer.batch.acknowledgement import parse_answers
from transfer.packet.message import parse_message
from transfer.record import RecordError
begin, unit, end = map(bytes.fromhex, sys.argv[3:])
size = int(sys.argv[2]) - len(begin) - len(end)
untrusted = begin + unit * (size // len(unit)) + end
try:
    {"message": parse_message, "answers": parse_answers}[sys.argv[1]](untrusted)
except RecordError as error:
    # Not ru_maxrss: that of a child begins with its parent's (getrusage(2)).
    status = Path("/proc/self/status").read_text().splitlines()
    print(next(line.split()[1] for line in status if line.startswith("VmHWM:")), error)
"""


@pytest.mark.parametrize(("kind", "size"), [("message", MESSAGE_MAX), ("answers", ANSWER_FILE_MAX)])
@pytest.mark.parametrize("shape", HOSTILE)
def test_memory_is_bounded_whatever_the_bytes_are(kind: str, size: int, shape: str) -> None:
    arguments = [kind, str(size), *(piece.hex() for piece in HOSTILE[shape])]
    done = subprocess.run([sys.executable, "-c", CHILD, *arguments], capture_output=True, text=True, check=True)
    memory, reason = done.stdout.split(maxsplit=1)
    assert int(memory) < MEMORY_MAX, reason


def test_an_answers_file_at_all_its_bounds_is_read() -> None:
    missing = tuple(PacketId(f"{place:032x}") for place in range(PACKETS_MAX))
    answers = [Acknowledgement(GatewayId("ab" * 8), number, "rumor " * 8, missing) for number in range(1, 1001)]
    content = encode_answers(answers)
    assert len(content) < ANSWER_FILE_MAX
    assert parse_answers(content) == tuple(answers)
    with pytest.raises(RecordError):
        parse_answers(encode_answers([*answers, replace(answers[0], number=NUMBER_MAX)]))


def test_a_packet_s_records_at_all_their_bounds_are_read() -> None:
    person = Person(Side.INVOLVED, "a", tuple("b" * FAMILY_NAMES_MAX), "c", "d")
    message = Message(text='{"a": [1, 2, {}]}, ' * 20_000, people=(person,) * PEOPLE_MAX)
    assert parse_message(encode_message(message)) == message
    findings = (FindingNote("a.b", "warning"),) * FINDINGS_MAX
    files = tuple(
        FileNote(f"files/{place:02}.txt", '[{,"' * 250, "txt", 1, "ab" * 32, Outcome.HELD, "", findings)
        for place in range(1, FILES_MAX + 1)
    )
    manifest = Manifest(
        packet=PacketId("ab" * 16),
        gateway="cd" * 8,
        received=date(2026, 11, 30),
        lane=Lane.HELD,
        sealed_to="ef" * 8,
        receipt=ReceiptNote("ab" * 16, "age1" + "q" * 58, "cd" * 32, "ef" * 32),
        files=files,
        refused=(RefusedNote('\\"{', "size"),) * REFUSED_MAX,
    )
    assert parse_manifest(encode_manifest(manifest)) == manifest


def test_depth_is_bounded() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    parse_record(nested(DEPTH_MAX), name="it", largest=1000, values=1000)
    with pytest.raises(RecordError, match=f"it has more than {DEPTH_MAX} objects and lists in each other"):
        parse_record(nested(DEPTH_MAX + 1), name="it", largest=1000, values=1000)


def values_in(value: object) -> int:
    """Count as FORMAT.md 6.5 says: openings and commas."""
    if isinstance(value, dict):
        return 1 + max(0, len(value) - 1) + sum(map(values_in, value.values()))
    if isinstance(value, list):
        return 1 + max(0, len(value) - 1) + sum(map(values_in, value))
    return 0


TRICKY = st.text(alphabet='ab\\"[]{},\n\u0101\U0001f600', max_size=12)
DOCUMENTS = st.recursive(
    TRICKY | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TRICKY, inner, max_size=4),
    max_leaves=12,
).filter(lambda value: _depth(value) < DEPTH_MAX)


def _depth(value: object) -> int:
    inner = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


@pytest.mark.parametrize("encode", [json.dumps, lambda value: json.dumps(value, ensure_ascii=False, indent=1)])
@given(value=DOCUMENTS)
def test_exactly_what_is_over_the_bound_is_refused(encode: Callable[[object], str], value: object) -> None:
    document = {"it": value}
    untrusted = encode(document).encode()
    count = values_in(document)
    parse_record(untrusted, name="it", largest=10_000, values=count)
    with pytest.raises(RecordError, match=re.escape(f"more than {count - 1} values")):
        parse_record(untrusted, name="it", largest=10_000, values=count - 1)
