"""A bundle as a sheet to print: one page of HTML with numbered QR codes, which loads nothing from elsewhere."""

from transfer.bundle.bundle import Bundle
from transfer.bundle.qr_codes import encode_page
from transfer.bundle.qr_frames import encode_frames


def encode_sheet(bundle: Bundle, content: bytes) -> bytes:
    """Return the page for the bundle whose file has this content.

    Raises:
        BundleError: It is too large for paper.
    """
    contents = bundle.contents
    frames = encode_frames(content)
    about = [
        f"Issued {contents.issued}, to be accepted by {contents.expires}. {len(frames)} codes, in any order. "
        f"Digest of its list: <code>{bundle.digest[:16]}</code>",
        "Scan every code into one text file, one code a line, and run <code>enveis gateway accept-bundle FILE"
        "</code>: it reports missing codes.",
    ]
    return encode_page(f"Bundle {contents.serial} for gateway {contents.gateway}", about, frames)
