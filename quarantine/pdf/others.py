"""What a reader sees who trusts another part of the file: objects that the cross-reference does not name, members of an
object stream that nobody asks for, the last of two values, and what pypdf could not read.

Each is examined like the others. Where it depends on the reader which of two things is shown, the file is ambiguous.
"""

import contextlib
import io
import itertools
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO, Final

from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import DictionaryObject, PdfObject, StreamObject, read_object

from quarantine.budgets import KIB, MIB
from quarantine.findings import Code
from quarantine.pdf.examiner import OBJECT_STREAM_MAX, SpentError, ValueExaminer, Walked
from quarantine.pdf.lexer import second_reading
from quarantine.pdf.notes import Notes
from quarantine.pdf.object_streams import is_object_stream, read_object_stream
from quarantine.pdf.raw_bytes import Definition, PdfBytes

_TEXT_SIZES: Final = (4 * KIB, 64 * KIB, MIB)  # bytes of an object that are read again: most are small
_OFF_BY: Final = 4  # bytes by which careless producers miss an object's beginning
_KEYWORD: Final = re.compile(rb"obj|trailer")
_END: Final = re.compile(rb"\bendobj\b|\bstream\b|\bstartxref\b")
# Keys of what does something, or carries or names a file.
# The same for objects that were not walked at all: /S and /A are keys of every paragraph too, and an action has another
# key or a name besides. Chains of filters were not unpacked.
_ACTS: Final = re.compile(
    rb"/(?:F|UF|DOS|Mac|Unix|EF|JS|URI|XFA|AA|OpenAction|Names|OPI|Ref|EmbeddedFile|Movie|Sound|Screen|3D|RichMedia"
    rb"|JavaScript|Launch|GoTo[RE]|ImportData|SubmitForm|Rendition|LZW|AHx|A85|RL|LZWDecode|RunLengthDecode"
    rb"|ASCIIHexDecode|ASCII85Decode|BrotliDecode|Crypt)(?![A-Za-z0-9])|/[A-Za-z0-9]*#"
)
_AFTER_WALK_CPU: Final = 1.5  # CPU seconds for what the walk did not come to
_MATTERS: Final = re.compile(rb"/(?:S|A|AA|F|UF|EF|JS|URI|XFA|OpenAction|Names|OPI|Ref)(?![A-Za-z0-9])|/[A-Za-z0-9]*#")


class Others:
    """Of one document, after `reader` has opened it."""

    def __init__(
        self, reader: PdfReader, stream: BinaryIO, raw: PdfBytes, examiner: ValueExaminer, pay: Callable[[], None]
    ) -> None:
        self._reader = reader
        self._stream = stream
        self._raw = raw
        self._examiner = examiner
        self._seen: Walked = examiner.seen
        self._pay = pay  # called before each object; raises when the budget is spent
        self._definitions = raw.definitions()
        self._of_number: defaultdict[int, list[Definition]] = defaultdict(list)
        for one in self._definitions:
            self._of_number[one.number].append(one)
        self._object_streams: list[Callable[[], PdfObject | None]] = []  # each reads one again

    def examine_failed(self, number: int) -> None:
        """Look for an object in the bytes that pypdf could not read."""
        found = list(self._of_number[number])
        # One that the search did not recognise: the cross-reference may know better.
        places = [table[number] for table in self._reader.xref.values() if number in table] if not found else []
        found += [Definition(number, 0, place, 0, is_inside=False) for place in places if self._begins(number, place)]
        if any(_MATTERS.search(self._text(one)) for one in found):
            self._seen.codes.add(Code.PDF_UNREADABLE)

    def examine_definitions(self) -> None:
        """Examine what no cross-reference names, and compare it with what one does."""
        of_number: defaultdict[int, list[Definition]] = defaultdict(list)
        for one in self._definitions:
            if not one.number:
                self._examine_nameless(one)
                continue
            place = self._place(one.number, one.generation)
            if place is None or abs(place - one.offset) > _OFF_BY:
                self._pay()
                self._read(partial(self._read_at, one), one.number)
            if not one.is_inside:
                of_number[one.number].append(one)
        for number in {number for table in self._reader.xref.values() for number in table}.difference(of_number):
            self._pay()
            self.examine_failed(number)
        for number, several in of_number.items():
            if len(several) > 1 and self._differs(number, several):
                self._seen.codes.add(Code.PDF_AMBIGUOUS)

    def _examine_nameless(self, one: Definition) -> None:
        """Examine an object whose number was not recognised, unless it is a word in the bytes of a stream."""
        if one.is_inside:
            return
        self._pay()
        text, failed = self._text(one), self._seen.failed
        self._read(partial(self._parse, text), 0)
        if self._seen.failed > failed and _MATTERS.search(text):
            self._seen.codes.add(Code.PDF_UNREADABLE)

    def examine_trailers(self) -> None:
        """Examine every trailer: which one a reader takes who repairs the file, it decides itself."""
        for offset in self._raw.trailers:
            self._pay()
            text = self._text(Definition(0, 0, offset, 0, is_inside=False))
            self._read(partial(self._parse, text), 0)

    def add_object_stream(
        self, number: int, untrusted: PdfObject | None, again: Callable[[], PdfObject | None]
    ) -> None:
        """Examine an object that is an object stream: members that the cross-reference does not name, and their order.

        Args:
            number: Of the object.
            untrusted: The object.
            again: Reads it once more.
        """
        if not isinstance(untrusted, StreamObject) or not is_object_stream(untrusted):
            return
        try:
            found = read_object_stream(untrusted, self._examiner.budgets.pdf_objects)
        except Exception:  # noqa: BLE001 - pypdf raises anything; check.py asks which streams were read
            return
        self._object_streams.append(again)
        self._raw.names.search_decoded(found.content)
        repeats = found.repeats
        if repeats:
            self._seen.codes.add(Code.PDF_AMBIGUOUS)
        places = self._reader.xref_objStm
        for place, member in enumerate(found.members):
            named = places.get(member.number)
            if named is None or named[0] != number or repeats:
                self._pay()
                self._read(partial(self._parse, member.text), member.number)
            elif named[1] != place:
                self._seen.codes.add(Code.PDF_AMBIGUOUS)
        if found.is_whole:
            self._seen.object_streams.add(number)

    def read_again(self, notes: Notes) -> None:
        """Look for what pypdf warned of: in each object, the last of two values, and what it left out."""
        warned_of_repeats, repeats = notes.repeats, 0
        trailers = [Definition(0, 0, offset, 0, is_inside=False) for offset in self._raw.trailers]
        for text in self._texts([*self._definitions, *trailers]):
            self._pay()
            guesses = notes.guesses
            self._read(partial(self._parse, text), 0)
            if notes.guesses > guesses and _MATTERS.search(text):
                self._seen.codes.add(Code.PDF_UNREADABLE)
            second = second_reading(text) if warned_of_repeats else None
            if second is not None and second.repeats:
                repeats += second.repeats
            if second is not None and second.differs:
                self._seen.codes.add(Code.PDF_AMBIGUOUS)
                self._read(partial(self._parse, bytes(second.text)), 0)
        if warned_of_repeats and not repeats:
            self._seen.codes.add(Code.PDF_AMBIGUOUS)

    def may_act(self, walked: int, places: list[tuple[int, int]]) -> bool:
        """Return whether anything that was not walked could act, or carry or name a file; when in doubt, true.

        Args:
            walked: How many of `places` were examined.
            places: Number and generation of all that the cross-reference names.
        """
        until = time.process_time() + _AFTER_WALK_CPU
        if self._reader.is_encrypted or len(self._raw.objects) > 2 * self._examiner.budgets.pdf_objects:
            return True
        done = set(places[:walked])
        streams = self._reader.xref_objStm
        wanted = {streams[number][0] for number, generation in places[walked:] if not generation and number in streams}
        texts = (self._text(one) for one in self._definitions if (one.number, one.generation) not in done)
        for text in itertools.chain(texts, map(self._content, sorted(wanted)), map(self._trailer, self._raw.trailers)):
            if text is None or _ACTS.search(text) or time.process_time() > until:
                return True
        return False

    def _content(self, number: int) -> bytes | None:
        """Return what an object stream unpacks to; None when it cannot be read."""
        try:
            stream = self._reader.get_object(number)
            found = read_object_stream(stream, OBJECT_STREAM_MAX)  # type: ignore[arg-type]  # raises
        except Exception:  # noqa: BLE001 - see objects.py
            return None
        if not found.is_whole or found.repeats:
            return None
        self._seen.object_streams.add(number)
        return found.content

    def _trailer(self, offset: int) -> bytes:
        return self._text(Definition(0, 0, offset, 0, is_inside=False))

    def _texts(self, definitions: list[Definition]) -> Iterator[bytes]:
        """Yield each object's text, and those of members of object streams; one object stream at a time in memory."""
        for one in definitions:
            yield self._text(one)
        for again in list(self._object_streams):
            with contextlib.suppress(Exception):
                stream = again()
                if isinstance(stream, StreamObject):
                    members = read_object_stream(stream, self._examiner.budgets.pdf_objects).members
                    yield from (member.text for member in members)

    def _differs(self, number: int, several: list[Definition]) -> bool:
        """Return whether readers take different ones of several definitions; the last one is that of a new revision."""
        revisions = {(one.revision, one.generation) for one in several}
        if len(revisions) < len(several):
            return True
        last = several[-1]
        place = self._place(number, last.generation)
        return place is not None and abs(place - last.offset) > _OFF_BY

    def _begins(self, number: int, place: int) -> bool:
        self._stream.seek(place)
        return re.match(rb"[\x00\t\n\x0c\r ]*0*%d(?!\d)" % number, self._stream.read(32)) is not None

    def _place(self, number: int, generation: int) -> int | None:
        return self._reader.xref.get(generation, {}).get(number)

    def _read(self, read: Callable[[], PdfObject | None], number: int) -> None:
        """Read and examine one; what cannot be read was searched for names, and is looked for in the bytes."""
        try:
            found = read()
            self._examiner.examine(found, number)
            self.add_object_stream(number, found, read)
        except SpentError:
            raise
        except LimitReachedError:
            self._seen.codes.add(Code.PDF_NOT_ALL_WALKED)
        except Exception:  # noqa: BLE001 - see objects.py
            self._seen.failed += 1
            if number:
                self.examine_failed(number)

    def _read_at(self, one: Definition) -> PdfObject | None:
        reader = self._reader
        reader.stream.seek(one.offset)
        reader.read_object_header(reader.stream)
        found = read_object(reader.stream, reader)
        # What get_object does with what it has read; there is no public way.
        encryption = reader._encryption  # noqa: SLF001
        if encryption is not None and found is not None:
            found = encryption.decrypt_object(found, one.number, one.generation, strict=False)
        return found

    def _parse(self, text: bytes) -> PdfObject | None:
        if not text.strip():
            return None
        found = read_object(io.BytesIO(text), self._reader)
        # A stream's bytes do not belong to the text.
        return DictionaryObject(found) if isinstance(found, StreamObject) else found

    def _text(self, one: Definition) -> bytes:
        """Return an object from after `obj` to its end, or to its stream."""
        for size in _TEXT_SIZES:
            self._stream.seek(one.offset)
            text = self._stream.read(size)
            begin = _KEYWORD.search(text)
            end = _END.search(text, begin.end() if begin else 0)
            if end is not None or len(text) < size:
                break
        return text[begin.end() if begin else 0 : end.start() if end else len(text)].lstrip()
