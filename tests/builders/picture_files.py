"""Pictures written by Pillow itself, as programs and telephones write them, for tests."""

import io
from typing import Any

from PIL import ExifTags, Image, PngImagePlugin


def saved(form: str, *, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(target, form, **options)
    return target.getvalue()


def exif(*, gps: bool = False, device: bool = False, serial: bool = False) -> Image.Exif:
    block = Image.Exif()
    if device:
        block[ExifTags.Base.Make] = "Maker"
    if gps:
        block.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (59.0, 54.0, 0.0)
    if serial:
        block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.BodySerialNumber] = "123456"
    return block


def two_pictures(form: str) -> bytes:
    """An MPO (two JPEGs in one file), or an animated PNG."""
    second = Image.new("RGB", (40, 30), (0, 90, 0))
    return saved(form, save_all=True, append_images=[second])


def with_text(keyword: str, text: str) -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text(keyword, text)
    return saved("PNG", pnginfo=texts)
