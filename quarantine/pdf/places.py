"""Where a path or an address of a PDF leads: to another machine, to a file of this one, or online.

A path to another machine is a danger, because Windows opens a network share with the user's password. A path on the
machine where the document was made is what office programs write into links; it does nothing on another machine, and
often names the person who made the document.
"""

import re
from enum import Enum, auto
from typing import Final
from urllib.parse import unquote

from quarantine.archive.names import executable_finding
from quarantine.findings import Code

_LONGEST: Final = 4096  # characters of a path that are read; Linux PATH_MAX
_FILE: Final = re.compile(r"\s*(?:url:)?file:", re.IGNORECASE)
_SHARE: Final = re.compile(r"\s*(?:\\\\|//|(?:smb|cifs|nfs|afp|dav|davs|webdav):)", re.IGNORECASE)
_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]+):")  # RFC 3986, 3.1; one letter alone is a drive
# After `file:`, with each backslash as a slash. A drive may stand where a host should: many programs write it so.
_OWN_MACHINE: Final = re.compile(r"/{0,3}[A-Za-z][:|](?:/|\Z)|//(?:localhost)?/(?!/)|/?(?!/)", re.IGNORECASE)
_MOUNTED: Final = re.compile(r"(?://(?:localhost)?)?/(?:net|network|smb)/", re.IGNORECASE)  # names a host on Unix
_DRIVE: Final = re.compile(r"\s*[A-Za-z]:[\\/]")
_DRIVE_OF_PDF: Final = re.compile(r"\s*/[A-Za-z]/(?:Users|Documents and Settings)/", re.IGNORECASE)  # 7.11.2.1
_HOME: Final = re.compile(r"\s*(?:~[^/\\ ]{0,64}[\\/]|/(?:home|Users|Volumes|export/home)/[^/])")
# A path inside a longer text: a title as browsers print it, or `C:\Users\name`.
_PATH_INSIDE: Final = re.compile(
    rb"file:/{2,3}[^\s/]|\b[A-Za-z]:[\\/](?:Users|Documents and Settings|home)[\\/]|(?<![\w.])/(?:home|Users)/\w",
    re.IGNORECASE,
)


class Place(Enum):
    """Where a path leads."""

    WITHIN = auto()  # a name beside the document, or nothing
    THIS_MACHINE = auto()  # an absolute path on the machine where it is opened
    OTHER_MACHINE = auto()  # a share, or a server that is asked for a file
    ONLINE = auto()  # an address of another scheme


def place_of(untrusted_path: str) -> Place:
    """Return where a file specification or a link leads."""
    path = untrusted_path[:_LONGEST].replace("\x00", "")
    if file := _FILE.match(path):
        rest = unquote(path[file.end() :]).replace("\\", "/").strip()
        is_own = _OWN_MACHINE.match(rest) is not None and _MOUNTED.match(rest) is None
        return Place.THIS_MACHINE if is_own else Place.OTHER_MACHINE
    if _SHARE.match(path):
        return Place.OTHER_MACHINE
    if _DRIVE.match(path) or _DRIVE_OF_PDF.match(path) or _HOME.match(path):
        return Place.THIS_MACHINE
    return Place.ONLINE if _SCHEME.match(path) else Place.WITHIN


def codes_of_path(untrusted_path: str, *, opens_files: bool) -> set[Code]:
    """Return what a path means that is followed on a click or by itself.

    Args:
        untrusted_path: Of a link or a file specification.
        opens_files: Whether what lies there is opened as a file, and not shown by a browser.
    """
    match place_of(untrusted_path):
        case Place.OTHER_MACHINE:
            return {Code.PDF_REMOTE_PATH}
        case Place.ONLINE:
            return {Code.PDF_REMOTE_PATH} if opens_files else set()
        case Place.THIS_MACHINE:
            program = {Code.PDF_LAUNCH} if executable_finding(unquote(untrusted_path)) else set()
            return {Code.PDF_LOCAL_PATH, Code.PRIVACY_PDF_PATH} | program
        case Place.WITHIN:
            return set()


def names_a_path(untrusted_text: str) -> bool:
    """Return whether a text, such as a title or an attachment's name, contains a path of the machine it is from."""
    text = untrusted_text[:_LONGEST]
    return place_of(text) is Place.THIS_MACHINE or bytes_name_a_path(unquote(text).encode("utf-8", "replace"))


def bytes_name_a_path(untrusted_text: bytes) -> bool:
    """Return whether bytes of a text contain the path of a file, with a person's folder or as an address."""
    return _PATH_INSIDE.search(untrusted_text) is not None
