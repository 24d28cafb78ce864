"""Texts as numbered QR codes: a page to print, which loads nothing from elsewhere, or a drawing for a terminal."""

import html
from collections.abc import Sequence
from typing import Final

import segno

SCREEN_PAYLOAD: Final = 380  # bytes of a frame whose code fits a terminal of 80 columns: version 14 at level L
_SCALE: Final = 4  # dots of a picture for each module: sharp on any printer
_QUIET: Final = 4  # modules of white around a code; ISO/IEC 18004, 9.1
_QUIET_ON_SCREEN: Final = 3  # what 80 columns leave; scanners are content with two
_STYLE: Final = (
    "body{font-family:sans-serif;margin:1rem;color:#000;background:#fff}"
    "main{display:grid;grid-template-columns:1fr 1fr;gap:6mm}"
    "figure{margin:0;text-align:center;break-inside:avoid}"
    "img{width:84mm;height:84mm;image-rendering:pixelated}"
    "figcaption{font-size:11pt}code{font-size:11pt}"
)


def encode_page(title: str, paragraphs: Sequence[str], frames: Sequence[str]) -> bytes:
    """Return one page of HTML with a code for each frame. `title` is text, `paragraphs` are HTML already."""
    codes = "\n".join(_figure(frame, place, len(frames)) for place, frame in enumerate(frames, 1))
    texts = "\n".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{html.escape(title)}</h1>\n{texts}\n<main>\n{codes}\n</main></body></html>\n"
    )
    return page.encode()


def draw(frame: str) -> list[str]:
    """Return the code of one frame as lines of text, two rows of modules in each.

    What is white on paper is drawn, so the code is right where light letters stand on a dark screen; scanners of
    telephones read the opposite too.
    """
    rows = [
        bytes(row) for row in segno.make_qr(frame, error="l", boost_error=False).matrix_iter(border=_QUIET_ON_SCREEN)
    ]
    pairs = zip(rows[::2], [*rows[1::2], bytes(len(rows[0]))][: (len(rows) + 1) // 2], strict=True)
    return [
        "".join(" ▄▀█"[2 * (not above) + (not below)] for above, below in zip(*pair, strict=True)) for pair in pairs
    ]


def _figure(frame: str, place: int, total: int) -> str:
    code = segno.make_qr(frame, error="m", boost_error=False)
    picture = code.png_data_uri(scale=_SCALE, border=_QUIET)
    return f'<figure><img src="{picture}" alt=""><figcaption>{place} of {total}</figcaption></figure>'
