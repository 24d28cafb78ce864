"""What a PDF reveals about the person who made it: kinds of things, never the things."""

from typing import Final

from pypdf.generic import ArrayObject, DictionaryObject, PdfObject, StreamObject, TextStringObject

from quarantine.findings import Code
from quarantine.image.exif import xmp_privacy
from quarantine.pdf.places import bytes_name_a_path, names_a_path
from quarantine.pdf.values import name_of, value_of

_INFO: Final[dict[str, Code | None]] = {
    "/Author": Code.PRIVACY_PDF_AUTHOR,
    "/Creator": Code.PRIVACY_PDF_SOFTWARE,
    "/Producer": Code.PRIVACY_PDF_SOFTWARE,
    "/CreationDate": Code.PRIVACY_PDF_TIMES,
    "/ModDate": Code.PRIVACY_PDF_TIMES,
    "/Title": None,
    "/Subject": None,
    "/Keywords": None,
    "/Trapped": None,
}  # ISO 32000-1, table 317; None: what the source wrote, for its reader
_OF_DOCUMENT: Final[dict[Code, Code]] = {
    Code.PRIVACY_PICTURE_AUTHOR: Code.PRIVACY_PDF_AUTHOR,
    Code.PRIVACY_PICTURE_SOFTWARE: Code.PRIVACY_PDF_SOFTWARE,
    Code.PRIVACY_PICTURE_TIMES: Code.PRIVACY_PDF_TIMES,
    Code.PRIVACY_PICTURE_DOCUMENT_ID: Code.PRIVACY_PDF_ID,
}
_MARKUP: Final = frozenset({
    "/Text", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight", "/Underline",
    "/Squiggly", "/StrikeOut", "/Stamp", "/Caret", "/Ink", "/FileAttachment", "/Sound", "/Redact",
})  # ISO 32000-1, table 169  # fmt: skip
_FILE_NAMES: Final = ("/F", "/UF", "/DOS", "/Mac", "/Unix")  # ISO 32000-1, table 44
_SCAN_DPI: Final = 100  # dots an inch; below it, a printer's dots of 0.1 mm cannot be seen
_SCAN_COVERS: Final = 0.05  # by how much the picture's shape may differ from the page's
_POINTS_PER_INCH: Final = 72
_PICTURES_MAX: Final = 100  # of a page


def info_privacy(info: DictionaryObject) -> set[Code]:
    """Return what the document information dictionary reveals."""
    codes: set[Code] = set()
    for key in info:
        if not _is_filled(value_of(info, key)):
            continue
        code = _INFO.get(str(key), Code.PRIVACY_PDF_FIELDS)
        codes |= {code} if code is not None else set()
        # Browsers and office programs take a file's place for its title.
        if names_a_path(name_of(info, key)):
            codes |= {Code.PRIVACY_PDF_FIELDS, Code.PRIVACY_PDF_PATH}
    return codes


def document_privacy(xmp: bytes) -> set[Code]:
    """Return what an XMP packet of the document, or of a part of it, reveals."""
    path = {Code.PRIVACY_PDF_PATH} if bytes_name_a_path(xmp) else set()
    return {_OF_DOCUMENT.get(code, code) for code in xmp_privacy(xmp)} | path


def dictionary_privacy(dictionary: DictionaryObject) -> set[Code]:
    """Return what one dictionary of the body reveals: a comment, a signature, a program's private data."""
    codes: set[Code] = set()
    if name_of(dictionary, "/Subtype") in _MARKUP and _is_filled(value_of(dictionary, "/T")):
        codes.add(Code.PRIVACY_PDF_COMMENTS)
    if "/ByteRange" in dictionary and "/Contents" in dictionary:
        codes.add(Code.PRIVACY_PDF_SIGNATURE)
    if isinstance(value_of(dictionary, "/PieceInfo"), DictionaryObject):
        codes.add(Code.PRIVACY_PDF_FIELDS)
    # Of an attachment, a link or a picture's source: the place where the file lay.
    if any(names_a_path(name_of(dictionary, key)) for key in _FILE_NAMES if _is_text(dictionary, key)):
        codes.add(Code.PRIVACY_PDF_PATH)
    return codes


def _is_text(dictionary: DictionaryObject, key: str) -> bool:
    return key in dictionary and isinstance(value_of(dictionary, key), TextStringObject)


def is_colour_scan(page: DictionaryObject) -> bool:
    """Return whether a picture in colour, dense enough for a printer's dots, covers this page."""
    box = _inherited(page, "/MediaBox")
    resources = _inherited(page, "/Resources")
    if not isinstance(box, ArrayObject) or len(box) != 4 or not isinstance(resources, DictionaryObject):
        return False
    numbers = [float(side.get_object()) for side in box]
    width, height = abs(numbers[2] - numbers[0]), abs(numbers[3] - numbers[1])
    pictures = value_of(resources, "/XObject")
    if not isinstance(pictures, DictionaryObject) or not width or not height:
        return False
    return any(_covers(value_of(pictures, name), width, height) for name in list(pictures)[:_PICTURES_MAX])


def _covers(picture: PdfObject | None, width: float, height: float) -> bool:
    if not isinstance(picture, StreamObject) or name_of(picture, "/Subtype") != "/Image" or not _is_colour(picture):
        return False
    across, down = float(picture["/Width"]), float(picture["/Height"])  # type: ignore[arg-type]  # a number, or raises
    shapes = (width / height, height / width)  # a page may be turned
    if down <= 0 or min(abs(across / down / shape - 1) for shape in shapes) > _SCAN_COVERS:
        return False
    return max(across, down) / (max(width, height) / _POINTS_PER_INCH) >= _SCAN_DPI


def _is_colour(picture: DictionaryObject) -> bool:
    space = value_of(picture, "/ColorSpace")
    if not isinstance(space, ArrayObject):
        return str(space) in {"/DeviceRGB", "/DeviceCMYK", "/CalRGB"}
    kind = str(space[0].get_object()) if space else ""
    if kind == "/ICCBased" and len(space) > 1:
        profile = space[1].get_object()
        return isinstance(profile, DictionaryObject) and name_of(profile, "/N") in {"3", "4"}
    return kind in {"/CalRGB", "/Lab", "/DeviceRGB", "/DeviceCMYK", "/Indexed"}


def _inherited(page: DictionaryObject, key: str) -> PdfObject | None:
    node: PdfObject | None = page
    for _ in range(8):  # levels of the page tree; ISO 32000-1, 7.7.3.4
        if not isinstance(node, DictionaryObject):
            return None
        if key in node:
            return value_of(node, key)
        node = value_of(node, "/Parent")
    return None


def _is_filled(value: PdfObject | None) -> bool:
    return value is not None and bool(str(value).strip("\x00 \t\r\n")) and str(value) != "NullObject"
