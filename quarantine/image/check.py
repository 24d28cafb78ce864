"""The check of JPEG and PNG pictures, which a gateway takes only when its settings name them: structure and metadata.

The picture itself is not decoded here: a decoder is what an attacker of pictures aims at. Our own readers of segments
and chunks examine every picture, also those in archives and PDFs. Where a gateway takes pictures, Pillow gives a
second opinion on each that they call sound; elsewhere it is not even loaded.
"""

from collections.abc import Callable
from typing import BinaryIO, Final

from quarantine.budgets import MIB, Budgets
from quarantine.examination import Examination, ExamineMember
from quarantine.file_types import FileType
from quarantine.findings import Code, Finding
from quarantine.image.jpeg import JPEG_MAGIC, jpeg_privacy, jpeg_size
from quarantine.image.png import read_png
from quarantine.polyglots import ends_as_zip, is_active_text, is_container, is_program

_HEAD: Final = 4 * MIB  # bytes in which a JPEG's scan has to begin
_TAIL: Final = 4 * MIB  # bytes that are searched for a JPEG's end; phones append a film of some megabytes
_END_OF_IMAGE: Final = b"\xff\xd9"
_BLANK: Final = b"\x00\t\n\r "


_second_opinion: Callable[[BinaryIO, FileType, tuple[int, int]], set[Code]] | None = None


def load_second_opinion() -> None:
    """Load Pillow, for this process and for all that it forks: in the cage nothing can be loaded any more."""
    global _second_opinion  # noqa: PLW0603 - what is loaded is a fact about a process
    from quarantine.image.second_opinion import opinion, prepare

    prepare()
    _second_opinion = opinion


def examine_image(stream: BinaryIO, budgets: Budgets, _: ExamineMember) -> Examination:
    """See quarantine.check_of_type."""
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(len(JPEG_MAGIC))
    codes = _jpeg(stream, size, budgets) if head == JPEG_MAGIC else _png(stream, budgets)
    if ends_as_zip(stream, size):
        codes.add(Code.FILE_POLYGLOT)
    return Examination(tuple(Finding(code) for code in sorted(codes)))


def _jpeg(stream: BinaryIO, size: int, budgets: Budgets) -> set[Code]:
    stream.seek(0)
    head = stream.read(_HEAD)
    codes = jpeg_privacy(head)
    pixels = jpeg_size(head)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read(_TAIL)
    place = tail.rfind(_END_OF_IMAGE)
    if pixels is None or place < 0:
        codes.add(Code.IMAGE_DAMAGED)
    if pixels is not None:
        codes |= _sound(stream, FileType.JPEG, pixels, budgets)
    return codes | (_after(tail[place + len(_END_OF_IMAGE) :]) if place >= 0 else set())


def _png(stream: BinaryIO, budgets: Budgets) -> set[Code]:
    read = read_png(stream)
    codes = set(read.codes)
    if not read.sound:
        codes.add(Code.IMAGE_DAMAGED)
        return codes
    codes |= _sound(stream, FileType.PNG, read.size, budgets)
    stream.seek(read.end)
    return codes | _after(stream.read(_TAIL))


def _sound(stream: BinaryIO, file_type: FileType, size: tuple[int, int], budgets: Budgets) -> set[Code]:
    """Return what else is found in a picture whose structure is sound up to its pixels."""
    if size[0] * size[1] > budgets.image_pixels:
        return {Code.IMAGE_TOO_LARGE}  # too large for Pillow as well
    return set() if _second_opinion is None else _second_opinion(stream, file_type, size)


def _after(data: bytes) -> set[Code]:
    data = data.lstrip(_BLANK)
    if not data:
        return set()
    # A second picture (depth maps, films of a phone) is ordinary; an archive or a program is not.
    foreign = is_container(data) or is_program(data) or is_active_text(data)
    return {Code.IMAGE_DATA_AFTER, Code.FILE_POLYGLOT} if foreign else {Code.IMAGE_DATA_AFTER}
