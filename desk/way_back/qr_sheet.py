"""A bundle as a sheet to print: one page of HTML with numbered QR codes, which loads nothing from elsewhere."""

import html
from typing import Final

import segno

from transfer.bundle.bundle import Bundle
from transfer.bundle.qr_frames import encode_frames

_SCALE: Final = 4  # dots of a picture for each module: sharp on any printer
_QUIET: Final = 4  # modules of white around a code; ISO/IEC 18004, 9.1
_STYLE: Final = (
    "body{font-family:sans-serif;margin:1rem;color:#000;background:#fff}"
    "main{display:grid;grid-template-columns:1fr 1fr;gap:6mm}"
    "figure{margin:0;text-align:center;break-inside:avoid}"
    "img{width:84mm;height:84mm;image-rendering:pixelated}"
    "figcaption{font-size:11pt}code{font-size:11pt}"
)


def encode_sheet(bundle: Bundle, content: bytes) -> bytes:
    """Return the page for the bundle whose file has this content.

    Raises:
        BundleError: It is too large for paper.
    """
    contents = bundle.contents
    frames = encode_frames(content)
    title = f"Bundle {contents.serial} for gateway {contents.gateway}"
    codes = "\n".join(_figure(frame, place, len(frames)) for place, frame in enumerate(frames, 1))
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{html.escape(title)}</h1>\n"
        f"<p>Issued {contents.issued}, to be accepted by {contents.expires}. {len(frames)} codes, in any order. "
        f"Digest of its list: <code>{bundle.digest[:16]}</code></p>\n"
        "<p>Scan every code into one text file, one code a line, and run <code>enveis gateway accept-bundle FILE"
        f"</code>: it reports missing codes.</p>\n<main>\n{codes}\n</main></body></html>\n"
    )
    return page.encode()


def _figure(frame: str, place: int, total: int) -> str:
    code = segno.make_qr(frame, error="m", boost_error=False)
    picture = code.png_data_uri(scale=_SCALE, border=_QUIET)
    return f'<figure><img src="{picture}" alt=""><figcaption>{place} of {total}</figcaption></figure>'
