"""Walks a PDF's objects with pypdf, under its tightest limits: those that its cross-reference names, and all others.

pypdf raises errors of many undocumented types on broken files; all of them are caught here, object by object, and
only counted. An object that it could not read, or read only in part, is looked for in the bytes: when it says anything
there that could do something, the file is opaque.
"""

import logging
import sys
import time
from typing import BinaryIO, Final

import pypdf
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject, PdfObject, StreamObject

from quarantine.budgets import MIB, Budgets
from quarantine.findings import Code
from quarantine.pdf.actions import dictionary_actions
from quarantine.pdf.attachments import ExamineEmbedded
from quarantine.pdf.examiner import OBJECT_STREAM_MAX, OUTPUT_LIMITS, SpentError, ValueExaminer, Walked
from quarantine.pdf.notes import Notes, noting
from quarantine.pdf.others import Others
from quarantine.pdf.privacy import info_privacy
from quarantine.pdf.raw_bytes import PdfBytes
from quarantine.pdf.repair import repaired
from quarantine.pdf.values import value_of

# Its warnings quote the file, so they are not even formatted.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
# pypdf looks for this decoder on the disk when a file asks for it, which ends a caged worker. None is what Python's
# import reference gives for "cannot be imported".
sys.modules["brotli"] = None  # type: ignore[assignment]

_LIMITS: Final = {
    "maximum_declared_stream_length": 64 * MIB,
    **dict.fromkeys(OUTPUT_LIMITS, OBJECT_STREAM_MAX),
    "zlib_maximum_recovery_input_length": MIB,
    "jbig2_maximum_output_length": 1,
    "brotli_maximum_output_length": 1,
    "stream_filters_maximum_length": 4,
    "stream_decoding_work_maximum_length": 8 * OBJECT_STREAM_MAX,
    "jbig2dec_binary": None,  # no program is started from here
}


def walk(stream: BinaryIO, budgets: Budgets, examine_embedded: ExamineEmbedded, *, depth: int, raw: PdfBytes) -> Walked:
    """Walk all objects; never raises for what the bytes are.

    Args:
        stream: Of a whole PDF.
        budgets: Objects, time, and size of embedded files.
        examine_embedded: Called for each embedded file that is not opaque.
        depth: How many files this one is inside of.
        raw: What its bytes show by themselves. Names in decoded object streams are added.
    """
    with pypdf.apply_configuration(**_LIMITS), noting() as notes:  # type: ignore[arg-type]  # values of several types
        walker = _Walker(stream, budgets, examine_embedded, depth, raw)
        try:
            walker.run(notes)
        except Exception:  # noqa: BLE001 - parsing hostile bytes with a library that raises anything
            walker.seen.failed += 1
    return walker.seen


def _is_there(untrusted: PdfObject | None) -> bool:
    return untrusted is not None and not isinstance(untrusted, NullObject)


class _Walker:
    def __init__(
        self, stream: BinaryIO, budgets: Budgets, examine_embedded: ExamineEmbedded, depth: int, raw: PdfBytes
    ) -> None:
        self.seen = Walked()
        self._stream = stream
        self._raw = raw
        self._examiner = ValueExaminer(self.seen, budgets, examine_embedded, depth, raw.names)
        self._budgets = budgets
        self._left = budgets.pdf_objects
        self._until = time.process_time() + budgets.pdf_walk_cpu

    def run(self, notes: Notes) -> None:
        reader = self._open()
        if reader.is_encrypted and not reader.decrypt(""):
            self.seen.codes.add(Code.PDF_ENCRYPTED)
            self.seen.readable = True
            return
        if reader.is_encrypted:
            self.seen.codes.add(Code.PDF_RESTRICTED)
            self._examiner.filtered.is_encrypted = True
        self._examine_top(reader)
        others = Others(reader, self._stream, self._raw, self._examiner, self._pay)
        places = [(number, generation) for generation, table in reader.xref.items() for number in table]
        places += [(number, 0) for number in reader.xref_objStm]
        places.sort(key=lambda place: (place[0] not in self._raw.embedded_files, place))
        walked = 0
        try:
            for place in places:
                self._pay()
                self._examine_object(reader, others, *place)
                walked += 1
            self._examine_rest(others, notes)
            self.seen.finished = True
        except SpentError:
            # A repeated key or a guess would have to be looked for in every object.
            acts = notes.repeats or notes.guesses or self.seen.failed or others.may_act(walked, places)
            self.seen.codes.add(Code.PDF_NOT_ALL_WALKED if acts else Code.PDF_NOT_ALL_FOLLOWED)
            self.seen.finished = not acts

    def _examine_rest(self, others: Others, notes: Notes) -> None:
        others.examine_definitions()
        others.examine_trailers()
        if len(self._raw.objects) > 2 * self._budgets.pdf_objects:
            raise SpentError
        if notes.repeats or notes.guesses:
            others.read_again(notes)

    def _pay(self) -> None:
        self._left -= 1
        if self._left < 0 or time.process_time() > self._until:
            raise SpentError

    def _open(self) -> pypdf.PdfReader:
        try:
            self._stream.seek(0)
            reader = pypdf.PdfReader(self._stream, strict=False)
            if reader.is_encrypted or reader.root_object:
                return reader
        except Exception:  # noqa: BLE001, S110 - see the module
            pass
        self.seen.failed += 1
        again = repaired(self._stream, self._stream.seek(0, 2))
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

    def _examine_object(self, reader: pypdf.PdfReader, others: Others, number: int, generation: int) -> None:
        reference = IndirectObject(number, generation, reader)
        try:
            untrusted = reader.get_object(reference)
            if number in reader.xref_objStm and generation == 0 and _is_there(untrusted):
                self.seen.object_streams.add(reader.xref_objStm[number][0])
            self._examiner.examine(untrusted, number)
            others.add_object_stream(number, untrusted, lambda: reader.get_object(reference))
        except SpentError:
            raise
        except LimitReachedError:
            self.seen.codes.add(Code.PDF_NOT_ALL_WALKED)
        except Exception:  # noqa: BLE001 - see the module
            self.seen.failed += 1
            others.examine_failed(number)
            return
        if isinstance(untrusted, StreamObject):
            # Its bytes would stay in memory until the whole file is.
            reader.resolved_objects.pop((generation, number), None)
