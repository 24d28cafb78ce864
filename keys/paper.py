"""A key, or a share of one, on a sheet of paper: as text to be typed and as a QR code to be scanned.

One HTML file with everything in it: no script, no picture from elsewhere, black on white, one A4 page. Pure: gives
bytes and knows no printer. Whoever has the sheet of an identity can read every packet; a share alone reveals nothing.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import segno

from keys.identity import Identity
from keys.recipient import Recipient, encode_recipients
from keys.shares import Share
from keys.words import fingerprint_words

GROUP: Final = 5  # characters of a key shown close together
_ERROR_LEVEL: Final = "q"  # a quarter of the code may be stained; ISO/IEC 18004, table 13
_MODULE: Final = 4  # units of one module in the drawing, which is scaled to the paper

_STYLE: Final = """
@page { size: A4; margin: 15mm }
body { font: 11pt/1.4 serif; color: #000; background: #fff; max-width: 174mm; margin: 0 auto }
h1 { font-size: 18pt; margin: 0 0 4mm } h2 { font-size: 12pt; margin: 4mm 0 1mm }
p { margin: 0 0 2mm } strong { font-weight: bold }
.key, .words { font: 12pt/1.5 monospace } .key span { margin-right: .6em; display: inline-block }
.words { columns: 3; margin: 0; padding-left: 2.2em } .public { font: 10pt/1.4 monospace; overflow-wrap: anywhere }
.code svg { width: 60mm; height: 60mm } .code { margin: 0 }
.line { border-bottom: 1px solid #000; display: inline-block; min-width: 60mm }
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed on one sheet; `scanned` is the content of the QR code, `shown` the same as HTML for people."""

    title: str
    about: Sequence[str]
    scanned: str = field(repr=False)
    shown: str = field(repr=False)
    how: Sequence[str]
    belongs_to: Recipient | None


def identity_sheet(identity: Identity) -> bytes:
    """Return the page with an identity on it, in plain text: it opens everything sealed to its recipient."""
    text = identity.encode()
    prefix, separator, rest = text.rpartition("1")  # as Bech32 divides it; the rest never contains a 1
    pieces = [prefix + separator, *(rest[i : i + GROUP] for i in range(0, len(rest), GROUP))]
    return _page(
        Sheet(
            title="A key that opens every packet",
            about=[
                "Whoever reads this sheet can open every packet that was sealed to this key. Keep it in a safe, in a "
                "sealed and signed envelope, apart from the desk. It needs no passphrase.",
            ],
            scanned=text,
            shown='<p class="key">' + "".join(f"<span>{html.escape(piece)}</span>" for piece in pieces) + "</p>",
            how=[
                "On a machine that is not online: scan the code with a scanner that is not online either, or type the "
                "text in one line, without spaces, into a file. Any age program opens packets with that file: "
                "age -d -i FILE PACKET.age (a key that begins with AGE-SECRET-KEY-PQ needs age 1.3 or later). "
                "A mistyped character is noticed.",
            ],
            belongs_to=identity.recipient,
        )
    )


def share_sheet(share: Share, belongs_to: Recipient | None) -> bytes:
    """Return the page with one share on it."""
    words = "".join(f"<li>{html.escape(word)}</li>" for word in share.words.split())
    group = f" of group {share.group}" if share.groups > 1 else ""
    needed = f"{share.needed} shares{group} are needed"
    if share.needed == 1:
        needed = f"it is enough for its part{group}"
    if share.groups > 1:
        needed += f"; {share.groups_needed} of {share.groups} groups open the key"
    return _page(
        Sheet(
            title=f"Share {share.place}{group} of a key",
            about=[
                f"This share alone reveals nothing: {needed}. Keep it apart from the other shares, with somebody who "
                "would notice if it were gone. Shares of one splitting begin with the same two words.",
            ],
            scanned=share.words,
            shown=f'<ol class="words">{words}</ol>',
            how=[
                "On a machine that is not online: enveis keys combine asks for the shares, one after another. Four "
                "letters of a word are enough. Any program for SLIP-39 joins them to the 32 bytes of the key.",
            ],
            belongs_to=belongs_to,
        )
    )


def _page(sheet: Sheet) -> bytes:
    code = segno.make(sheet.scanned, error=_ERROR_LEVEL, micro=False, boost_error=False)
    drawing = code.svg_inline(scale=_MODULE, omitsize=True, svgclass=None, lineclass=None)
    paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in sheet.about)
    how = "".join(f"<p>{html.escape(text)}</p>" for text in sheet.how)
    whose = ""
    if sheet.belongs_to is not None:
        words = fingerprint_words(encode_recipients([sheet.belongs_to]))
        name = str(sheet.belongs_to)
        shown = name if len(name) <= 100 else f"{name[:40]}…{name[-20:]}"
        whose = (
            f'<h2>The public half that it belongs to</h2><p class="public">{html.escape(shown)}</p>'
            f"<p>Fingerprint words: {html.escape(words)}</p>"
        )
    blanks = '<p>Made by <span class="line"></span> on <span class="line" style="min-width: 35mm"></span></p>'
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(sheet.title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(sheet.title)}</h1>{paragraphs}"
        f"<h2>To type</h2>{sheet.shown}"
        f'<h2>To scan</h2><div class="code">{drawing}</div>'
        f"<h2>How to use it</h2>{how}{whose}{blanks}</body></html>\n"
    ).encode()
