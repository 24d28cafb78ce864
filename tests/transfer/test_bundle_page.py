"""transfer/bundle/BUNDLE.md against the code: its bounds, lists and sizes are those that the code has."""

import re
from pathlib import Path

import pytest

from desk.way_back import replies as desk_way_back
from gateway.replies import reply_store
from keys.recipient import KeyKind
from keys.secret import SecretKey
from tests.builders.bundles import LOOKUP, a_bundle, a_reply
from transfer.bundle import bundle, qr_frames, reply
from transfer.bundle import contents as bundle_list
from transfer.record import HEX_128

NUMBERS = {2: "two", 7: "seven"}
PAGE = (Path(bundle.__file__).parent / "BUNDLE.md").read_text()


def section(number: str) -> str:
    found = re.search(rf"^{re.escape(number)}\. .*?(?=^\d+\.\d+\. |^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, number
    return " ".join(found[0].split())


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1.2", f"at most {bundle.BUNDLE_MAX:,} bytes"),
        ("1.2", bundle_list.LIST_MEMBER),
        ("1.2", bundle.SIGNATURE_MEMBER),
        ("2.1", f"at most {bundle_list.LIST_MAX:,} bytes"),
        ("2.1", f"1 to {bundle_list.SERIAL_MAX:,}"),
        ("2.1", f"0 to {bundle_list.DAYS_MAX} days"),
        ("2.1", f"0 to {bundle_list.COUNTER_MAX:,}"),
        ("2.1", f"at most {bundle_list.GRANTS_MAX:,} objects `lookup`"),
        ("2.1", f"at most {bundle_list.REPLIES_MAX:,} objects `id`, `lookup`"),
        ("2.1", f"at most {bundle_list.TOMBSTONES_MAX:,} objects `id`, `expires`"),
        ("2.1", f"`files_max` (1 to {bundle_list.GRANT_FILES_MAX})"),
        ("2.1", f"(1 to 2^{bundle_list.GRANT_FILE_MAX.bit_length() - 1})"),
        ("2.1", f"`size` (1 to {reply.SEALED_MAX:,})"),
        ("3.1", f"at most {reply.SEALED_MAX:,} bytes"),
        ("3.2", ", ".join(f"`{state}`" for state in reply.State)),
        ("3.3", f"fill it to {reply.PLAINTEXT_MIN:,}, 8,192, 16,384, 32,768 or {reply.PLAINTEXT_MAX:,} bytes"),
        ("3.4", f"for {reply.DAYS_KEPT} days"),
        ("4.4", f"in {NUMBERS[desk_way_back.COUNTERS_EVERY.days]} days"),
        ("5.1", f"more than {NUMBERS[reply_store.CLOCKS_APART.days]} days ahead"),
        ("6.1", f"at most {qr_frames.PAPER_MAX:,} bytes"),
        ("6.1", f"pieces of {qr_frames.FRAME_PAYLOAD}"),
        ("6.1", f"letters `{qr_frames.MARK}`"),
    ],
)
def test_the_page_says_what_the_code_has(number: str, words: str) -> None:
    assert words in section(number)


def test_the_fields_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    contents = bundle_list.BundleList
    assert rows == ["format", "version", *contents.__dataclass_fields__]


def test_the_longest_reply_fits_its_bound() -> None:
    key = SecretKey(KeyKind.HYBRID, bytes(range(32)))
    sealed = reply.seal_reply(a_reply(1, text="x" * (reply.PLAINTEXT_MAX - 400)), key.recipient)
    assert reply.PLAINTEXT_MAX < len(sealed) <= reply.SEALED_MAX
    assert HEX_128.fullmatch(reply.new_reply_id())


def test_the_list_at_its_bounds_fits() -> None:
    """A bundle.json with every list full is within the size that is read."""
    full = a_bundle(1, [(1, LOOKUP)])
    empty = a_bundle(1)
    longest = len(full.list_bytes) - len(empty.list_bytes) + 20
    entries = bundle_list.REPLIES_MAX + bundle_list.GRANTS_MAX + bundle_list.TOMBSTONES_MAX
    assert longest * entries < bundle_list.LIST_MAX
