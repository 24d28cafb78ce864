"""The second opinion on a JPEG or PNG: what Pillow makes of its structure and of its metadata (ADR 0017).

Only a zygote of a gateway that takes pictures loads this module, before its first fork. No pixel is decoded: what would
decode (`load`, `text`, a PNG's `getexif`, `seek`) is not called.
"""

import warnings
from typing import BinaryIO, Final

from PIL import ExifTags, Image, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin

from quarantine.file_types import FileType
from quarantine.findings import Code
from quarantine.image.exif import meaning_of_tag, xmp_privacy
from quarantine.image.png import meaning_of_keyword

# Loaded for what they register, and for what Pillow would load itself, late, where there are no files.
PLUGINS: Final = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin)
_FORMATS: Final = {FileType.JPEG: ["JPEG"], FileType.PNG: ["PNG"]}
_PROFILE: Final = "raw profile type"  # ImageMagick's way to keep Exif and XMP; our own reader opens it
_XMP_KEYS: Final = ("xmp", "XML:com.adobe.xmp")


def prepare() -> None:
    """Have Pillow load what it loads on demand. Pixels are counted by the caller, by its own budget."""
    Image.preinit()
    Image.MAX_IMAGE_PIXELS = None


def opinion(stream: BinaryIO, file_type: FileType, size: tuple[int, int]) -> set[Code]:
    """Return what Pillow finds in a picture that our own reader calls sound, `size` pixels wide and high.

    Returns:
        IMAGE_DAMAGED where Pillow cannot read it, or sees another picture than we do.
    """
    stream.seek(0)
    try:
        with warnings.catch_warnings():
            # What it warns of in honest pictures of telephones is no finding.
            warnings.simplefilter("ignore")
            picture = Image.open(stream, formats=_FORMATS[file_type])
            codes = _metadata(picture)
            if getattr(picture, "n_frames", 1) > 1:
                codes.add(Code.IMAGE_FRAMES)
            if picture.size != size:
                codes.add(Code.IMAGE_DAMAGED)
            picture.verify()  # of a PNG, every chunk; of a JPEG, nothing: our own reader finds its end
    except MemoryError:
        return {Code.IMAGE_TOO_LARGE}
    except Exception:  # noqa: BLE001 - it raises errors of many kinds on broken files, and each means the same
        return {Code.IMAGE_DAMAGED}
    return codes


def _metadata(picture: Image.Image) -> set[Code]:
    codes: set[Code] = set()
    info = picture.info
    # A PNG's text may stand under any of these words too, and is no bytes then.
    comment, exif = info.get("comment"), info.get("exif")
    if isinstance(comment, bytes) and comment.strip(b"\x00 "):
        codes.add(Code.PRIVACY_PICTURE_TEXT)
    for key, value in info.items():
        if key in _XMP_KEYS:
            codes |= xmp_privacy(value if isinstance(value, bytes) else str(value).encode("utf-8", "replace"))
        elif isinstance(value, str) and not str(key).lower().startswith(
            _PROFILE
        ):  # a PNG's texts; all else that Pillow notes are numbers and bytes
            codes |= meaning_of_keyword(str(key))
    if isinstance(exif, bytes) and exif:
        codes |= _exif(exif)
    return codes


def _exif(block: bytes) -> set[Code]:
    exif = Image.Exif()
    exif.load(block)
    tags = {*exif, *exif.get_ifd(ExifTags.IFD.Exif)}
    codes = {code for tag in tags for code in meaning_of_tag(tag)}
    if exif.get_ifd(ExifTags.IFD.GPSInfo):
        codes |= meaning_of_tag(ExifTags.IFD.GPSInfo)
    if exif.get_ifd(ExifTags.IFD.IFD1):
        codes.add(Code.PRIVACY_PICTURE_THUMBNAIL)
    return codes
