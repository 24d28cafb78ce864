"""The answers of the way back have one of few sizes, so that who watches the line learns no more than that.

A page tells by its size how many answers there are and how long. So a comment fills it: there is no compression.
"""

from typing import Final

PADDED_MIN: Final = 64 * 1024  # bytes; the page of a case without replies is far smaller
_OPENING: Final = "<!--"
_CLOSING: Final = "-->\n"
_END: Final = "</body>"


def padded(page: str) -> str:
    """Return an HTML page of PADDED_MIN bytes in UTF-8, or of a power of two above that."""
    head, end, tail = page.rpartition(_END)
    if not end:
        raise ValueError("only a whole page can be padded")
    size = len(page.encode()) + len(_OPENING) + len(_CLOSING)
    target = PADDED_MIN
    while target < size:
        target *= 2
    return f"{head}{_OPENING}{' ' * (target - size)}{_CLOSING}{end}{tail}"
