"""Looks at each value that pypdf read: what it does, what it reveals, and what file it carries."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pypdf
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject, StreamObject

from quarantine.budgets import MIB, Budgets
from quarantine.findings import Code
from quarantine.pdf.actions import dictionary_actions
from quarantine.pdf.attachments import ExamineEmbedded, content_codes, name_codes
from quarantine.pdf.bare_names import BareNames
from quarantine.pdf.filters import FilteredStreams
from quarantine.pdf.privacy import dictionary_privacy, document_privacy, is_colour_scan
from quarantine.pdf.values import name_of, value_of

OBJECT_STREAM_MAX: Final = 2 * MIB  # bytes; most have 100 objects, and pypdf reads a megabyte in seconds

_NESTING_MAX: Final = 200_000  # values examined in one object
_PAGES_MAX: Final = 50  # pages that are examined for a scan: a scanned document has scans on all pages
OUTPUT_LIMITS: Final = (
    "array_based_stream_maximum_output_length",
    "lzw_maximum_output_length",
    "run_length_maximum_output_length",
    "zlib_maximum_output_length",
)


class SpentError(Exception):
    """The budget of objects or of time is spent."""


@dataclass(slots=True)
class Walked:
    """What the walk saw."""

    codes: set[Code] = field(default_factory=set)
    readable: bool = False  # a catalog was found
    finished: bool = False  # every object was tried
    failed: int = 0  # objects that could not be read
    object_streams: set[int] = field(default_factory=set)  # numbers of those whose objects were read
    embedded_files: set[int] = field(default_factory=set)  # numbers of those that were examined


class ValueExaminer:
    """Examines values, one after the other, of one document."""

    def __init__(
        self, seen: Walked, budgets: Budgets, examine_embedded: ExamineEmbedded, depth: int, names: BareNames
    ) -> None:
        self.seen = seen
        self.budgets = budgets
        self._examine_embedded = examine_embedded
        self._depth = depth
        self._pages = 0
        self.filtered = FilteredStreams(budgets, names)

    def examine(self, untrusted: PdfObject | None, number: int) -> None:
        """Add what is found in one object to what was seen; raises whatever pypdf does."""
        waiting: list[PdfObject | None] = [untrusted]
        for _ in range(_NESTING_MAX):
            if not waiting:
                return
            value = waiting.pop()
            if isinstance(value, DictionaryObject):
                self._examine_dictionary(value, number)
                waiting += [inner for inner in value.values() if isinstance(inner, (DictionaryObject, ArrayObject))]
            elif isinstance(value, ArrayObject):
                waiting += [inner for inner in value if isinstance(inner, (DictionaryObject, ArrayObject))]
        raise LimitReachedError

    def _examine_dictionary(self, dictionary: DictionaryObject, number: int) -> None:
        codes = self.seen.codes
        codes |= dictionary_actions(dictionary) | dictionary_privacy(dictionary) | name_codes(dictionary)
        kind = name_of(dictionary, "/Type")
        if kind == "/Page" and self._pages < _PAGES_MAX and Code.PRIVACY_PDF_SCAN not in codes:
            self._pages += 1
            with self._counting():
                codes |= {Code.PRIVACY_PDF_SCAN} if is_colour_scan(dictionary) else set()
        if isinstance(dictionary, StreamObject):
            self._examine_stream(dictionary, kind, number)
        files = value_of(dictionary, "/EF")
        if isinstance(files, DictionaryObject):
            for key in list(files):
                self._examine_file(value_of(files, key), files.raw_get(key))

    def _examine_stream(self, stream: StreamObject, kind: str, number: int) -> None:
        if value_of(stream, "/F") is not None:
            self.seen.codes.add(Code.PDF_EXTERNAL_STREAM)
        if kind == "/Metadata":
            with self._counting():
                self.seen.codes |= document_privacy(stream.get_data())
        with self._counting():
            self.seen.codes |= self.filtered.examine(stream)
        if kind == "/EmbeddedFile":
            self._examine_file(stream, IndirectObject(number, 0, None))

    @contextlib.contextmanager
    def _counting(self) -> Iterator[None]:
        """Count damage that must not end the examination of what may do something."""
        try:
            yield
        except Exception:  # noqa: BLE001 - see objects.py
            self.seen.failed += 1

    def _examine_file(self, untrusted: PdfObject | None, reference: PdfObject) -> None:
        if isinstance(reference, IndirectObject):
            if reference.idnum in self.seen.embedded_files:
                return
            self.seen.embedded_files.add(reference.idnum)
        self.seen.codes.add(Code.PDF_EMBEDDED_FILE)
        most = self.budgets.pdf_embedded_bytes
        larger = dict.fromkeys(OUTPUT_LIMITS, most) | {"stream_decoding_work_maximum_length": 2 * most}
        try:
            with pypdf.apply_configuration(None, **larger):
                content = untrusted.get_data() if isinstance(untrusted, StreamObject) else b""
        except Exception:  # noqa: BLE001 - see objects.py; beyond the limits is one of them
            self.seen.codes.add(Code.PDF_EMBEDDED_OPAQUE)
            return
        may_open = self._depth < self.budgets.depth
        self.seen.codes |= content_codes(content, self._examine_embedded, may_open=may_open)
