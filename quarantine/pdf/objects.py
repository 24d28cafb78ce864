"""Walks a PDF's objects with pypdf, under its tightest limits, and finds what they are and do.

pypdf raises errors of many undocumented types on broken files; all of them are caught here, object by object, and
only counted.
"""

import logging
import sys
import time
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import pypdf
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject, PdfObject, StreamObject

from quarantine.budgets import MIB, Budgets
from quarantine.findings import Code
from quarantine.pdf.actions import dictionary_actions
from quarantine.pdf.attachments import ExamineEmbedded, content_codes, name_codes
from quarantine.pdf.privacy import dictionary_privacy, document_privacy, info_privacy, is_colour_scan
from quarantine.pdf.repair import repaired
from quarantine.pdf.values import name_of, value_of

# Its warnings quote the file, so they are not even formatted.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
# pypdf looks for this decoder on the disk when a file asks for it, which ends a caged worker. None is what Python's
# import reference gives for "cannot be imported".
sys.modules["brotli"] = None  # type: ignore[assignment]

OBJECT_STREAM_MAX: Final = 2 * MIB  # bytes; most have 100 objects, and pypdf reads a megabyte in seconds

_NESTING_MAX: Final = 200_000  # values examined in one object
_PAGES_MAX: Final = 50  # pages that are examined for a scan: a scanned document has scans on all pages
_LIMITS: Final = {
    "maximum_declared_stream_length": 64 * MIB,
    "array_based_stream_maximum_output_length": OBJECT_STREAM_MAX,
    "lzw_maximum_output_length": OBJECT_STREAM_MAX,
    "run_length_maximum_output_length": OBJECT_STREAM_MAX,
    "zlib_maximum_output_length": OBJECT_STREAM_MAX,
    "zlib_maximum_recovery_input_length": MIB,
    "jbig2_maximum_output_length": 1,
    "brotli_maximum_output_length": 1,
    "stream_filters_maximum_length": 4,
    "stream_decoding_work_maximum_length": 8 * OBJECT_STREAM_MAX,
    "jbig2dec_binary": None,  # no program is started from here
}


@dataclass(slots=True)
class Walked:
    """What the walk saw."""

    codes: set[Code] = field(default_factory=set)
    readable: bool = False  # a catalog was found
    finished: bool = False  # every object was tried
    failed: int = 0  # objects that could not be read
    object_streams: set[int] = field(default_factory=set)  # numbers of those whose objects were read
    embedded_files: set[int] = field(default_factory=set)  # numbers of those that were examined


def walk(
    stream: BinaryIO,
    budgets: Budgets,
    examine_embedded: ExamineEmbedded,
    *,
    depth: int,
    first: frozenset[int] = frozenset(),
) -> Walked:
    """Walk all objects; never raises for what the bytes are.

    Args:
        stream: Of a whole PDF.
        budgets: Objects, time, and size of embedded files.
        examine_embedded: Called for each embedded file that is not opaque.
        depth: How many files this one is inside of.
        first: Object numbers to examine before the others.
    """
    walker = _Walker(budgets, examine_embedded, depth)
    with pypdf.apply_configuration(**_LIMITS):  # type: ignore[arg-type]  # values of several types
        try:
            walker.run(stream, first)
        except Exception:  # noqa: BLE001 - parsing hostile bytes with a library that raises anything
            walker.seen.failed += 1
    return walker.seen


def _is_there(untrusted: PdfObject | None) -> bool:
    return untrusted is not None and not isinstance(untrusted, NullObject)


class _Walker:
    def __init__(self, budgets: Budgets, examine_embedded: ExamineEmbedded, depth: int) -> None:
        self.seen = Walked()
        self._budgets = budgets
        self._examine_embedded = examine_embedded
        self._depth = depth
        self._pages = 0
        self._until = time.process_time() + budgets.pdf_walk_cpu

    def run(self, stream: BinaryIO, first: frozenset[int]) -> None:
        reader = self._open(stream)
        if reader.is_encrypted and not reader.decrypt(""):
            self.seen.codes.add(Code.PDF_ENCRYPTED)
            self.seen.readable = True
            return
        if reader.is_encrypted:
            self.seen.codes.add(Code.PDF_RESTRICTED)
        self._examine_top(reader)
        places = [(number, generation) for generation, table in reader.xref.items() for number in table]
        places += [(number, 0) for number in reader.xref_objStm]
        places.sort(key=lambda place: (place[0] not in first, place))
        for count, place in enumerate(places):
            if count >= self._budgets.pdf_objects or time.process_time() > self._until:
                self.seen.codes.add(Code.PDF_NOT_ALL_WALKED)
                return
            self._examine_object(reader, *place)
        self.seen.finished = True

    def _open(self, stream: BinaryIO) -> pypdf.PdfReader:
        try:
            stream.seek(0)
            reader = pypdf.PdfReader(stream, strict=False)
            if reader.is_encrypted or reader.root_object:
                return reader
        except Exception:  # noqa: BLE001, S110 - see the module
            pass
        self.seen.failed += 1
        again = repaired(stream, stream.seek(0, 2))
        if again is None:
            raise pypdf.errors.PdfReadError
        return pypdf.PdfReader(again, strict=False)

    def _examine_top(self, reader: pypdf.PdfReader) -> None:
        catalog = reader.root_object
        self.seen.readable = True
        self.seen.codes |= dictionary_actions(catalog)
        if isinstance(value_of(reader.trailer, "/ID"), ArrayObject):
            self.seen.codes.add(Code.PRIVACY_PDF_ID)
        info = value_of(reader.trailer, "/Info")
        if isinstance(info, DictionaryObject):
            self.seen.codes |= info_privacy(info)

    def _examine_object(self, reader: pypdf.PdfReader, number: int, generation: int) -> None:
        try:
            untrusted = reader.get_object(IndirectObject(number, generation, reader))
            if number in reader.xref_objStm and generation == 0 and _is_there(untrusted):
                self.seen.object_streams.add(reader.xref_objStm[number][0])
            self._examine_value(untrusted, number)
        except LimitReachedError:
            self.seen.codes.add(Code.PDF_NOT_ALL_WALKED)
        except Exception:  # noqa: BLE001 - see the module
            self.seen.failed += 1
            return
        if isinstance(untrusted, StreamObject):
            # Its bytes would stay in memory until the whole file is.
            reader.resolved_objects.pop((generation, number), None)

    def _examine_value(self, untrusted: PdfObject | None, number: int) -> None:
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
        self.seen.codes |= dictionary_actions(dictionary) | dictionary_privacy(dictionary) | name_codes(dictionary)
        kind = name_of(dictionary, "/Type")
        if kind == "/Page" and self._pages < _PAGES_MAX and Code.PRIVACY_PDF_SCAN not in self.seen.codes:
            self._pages += 1
            if is_colour_scan(dictionary):
                self.seen.codes.add(Code.PRIVACY_PDF_SCAN)
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
            self.seen.codes |= document_privacy(stream.get_data())
        if kind == "/EmbeddedFile":
            self._examine_file(stream, IndirectObject(number, 0, None))

    def _examine_file(self, untrusted: PdfObject | None, reference: PdfObject) -> None:
        if isinstance(reference, IndirectObject):
            if reference.idnum in self.seen.embedded_files:
                return
            self.seen.embedded_files.add(reference.idnum)
        self.seen.codes.add(Code.PDF_EMBEDDED_FILE)
        most = self._budgets.pdf_embedded_bytes
        larger = {key: most for key in _LIMITS if key.endswith("output_length") and _LIMITS[key] == OBJECT_STREAM_MAX}
        try:
            with pypdf.apply_configuration(None, **larger, stream_decoding_work_maximum_length=2 * most):
                content = untrusted.get_data() if isinstance(untrusted, StreamObject) else b""
        except Exception:  # noqa: BLE001 - see the module; beyond the limits is one of them
            self.seen.codes.add(Code.PDF_EMBEDDED_OPAQUE)
            return
        may_open = self._depth < self._budgets.depth
        self.seen.codes |= content_codes(content, self._examine_embedded, may_open=may_open)
