"""What the names in an archive give away or try: judged as text, never used as a path.

Both `/` and `\\` part a path: programs differ, and the worse reading counts.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from quarantine.findings import Code

PART_MAX: Final = 255  # bytes of one part of a path; POSIX NAME_MAX
PATH_MAX: Final = 4096  # bytes of a whole path; Linux PATH_MAX

_DRIVE: Final = re.compile(r"[A-Za-z]:(?! )")
# Naming Files, Paths, and Namespaces (Microsoft); the superscript digits count too.
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
_WINDOWS: Final = re.compile(r'[<>"|?*]')
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_BIDI: Final = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # UAX 9; the marks U+200E and U+200F are ordinary
_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0"
    r"\U000e0000-\U000e007f]"
    # Joiners are ordinary after letters of the scripts that need them, and inside emoji.
    r"|(?<![\u0600-\uffff\U00010000-\U0010ffff])[\u200c\u200d]|[\u200c\u200d]{2}"
)
_FLAG: Final = re.compile(r"\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")  # a region's flag is an emoji with tags

# What a double click runs; after Outlook's list of blocked attachments.
_EXECUTABLE_WORDS: Final = (
    "ade adp app application appref-ms apk appimage bat chm class cmd com command cpl crt deb desktop diagcab dll dmg "
    "exe gadget hlp hta inf ins isp jar jnlp js jse ksh lnk mde msc msh msi msix msp mst mui ocx pif pkg ps1 ps1xml "
    "psc1 psd1 psm1 py pyz rb reg rpm run scf scr sct settingcontent-ms sh shb shs sys theme url vb vbe vbs ws wsc wsf "
    "wsh xbap xll"
)
_EXECUTABLE: Final = frozenset(_EXECUTABLE_WORDS.split())
_DOCUMENT_WORDS: Final = (
    "avi bmp csv doc docm docx eml epub gif heic htm html jpeg jpg key log md mov mp3 mp4 msg numbers odp ods odt "
    "pages pdf png ppt pptm pptx rar rtf svg tif tiff txt wav webp xls xlsm xlsx xml zip 7z"
)
DOCUMENT: Final = frozenset(_DOCUMENT_WORDS.split())
_USER: Final = re.compile(
    r"(?:[A-Za-z]:?/|/)*(?:(?:export/)?home|users|documents and settings)/([^/]+)/.", re.IGNORECASE
)
_NOBODY: Final = frozenset({"public", "shared", "default", "default user", "all users", "guest", "user", "root"})


def name_findings(untrusted_name: str) -> Iterator[Code]:
    """Yield what one member's whole path shows."""
    path = untrusted_name.replace("\\", "/")
    parts = path.lstrip("/").removesuffix("/").split("/")
    if is_outside(untrusted_name):
        yield Code.ARCHIVE_PATH_OUTSIDE
    if _CONTROL.search(path):
        yield Code.ARCHIVE_NAME_CONTROL
    if _BIDI.search(path):
        yield Code.ARCHIVE_NAME_BIDI
    if _INVISIBLE.search(_FLAG.sub("", path)):
        yield Code.ARCHIVE_NAME_INVISIBLE
    if any(map(_is_other_on_windows, parts)):
        yield Code.ARCHIVE_NAME_WINDOWS
    if ":" in (path[2:] if _DRIVE.match(path) else path):
        yield Code.ARCHIVE_NAME_STREAM
    if any(map(_is_unusable, parts)) or len(path.encode("utf-8", "replace")) > PATH_MAX:
        yield Code.ARCHIVE_NAME_UNUSABLE
    user = _USER.match(path)
    if user and user.group(1).casefold() not in _NOBODY:
        yield Code.PRIVACY_ARCHIVE_USER_NAME
    if "__MACOSX" in parts or parts[-1] == ".DS_Store" or (parts[-1].startswith("._") and len(parts[-1]) > 2):
        yield Code.PRIVACY_ARCHIVE_MAC


def is_outside(untrusted_path: str) -> bool:
    """Return whether a path, or a link's target seen from the archive's root, leaves the folder it is unpacked into."""
    path = untrusted_path.replace("\\", "/")
    # Windows takes `.. ` for `..`.
    return path.startswith("/") or bool(_DRIVE.match(path)) or any(part.rstrip(" ") == ".." for part in path.split("/"))


def points_outside(untrusted_name: str, untrusted_target: str) -> bool:
    """Return whether a link of this name leaves the folder; `..` inside of it is ordinary."""
    target = untrusted_target.replace("\\", "/")
    if target.startswith("/") or _DRIVE.match(target):
        return True
    level = untrusted_name.replace("\\", "/").strip("/").count("/")
    for part in target.split("/"):
        level += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if level < 0:
            return True
    return False


def executable_finding(untrusted_name: str) -> Code | None:
    """Grade a program's name by how open it is; None when it is no program's."""
    stem, _, extension = _shown(untrusted_name).rpartition(".")
    if extension not in _EXECUTABLE:
        return None
    stem = stem.rstrip(" ._")
    _, dot, before = stem.rpartition(".")
    # `tool.exe` shows what it is; `a.pdf .exe` and `a<RLO>fdp.exe` are made to be taken for documents.
    if (dot and before in DOCUMENT) or _BIDI.search(untrusted_name):
        return Code.ARCHIVE_DISGUISED_EXECUTABLE
    return Code.ARCHIVE_EXECUTABLE


def extension_of(untrusted_name: str) -> str:
    """Return the last extension without its dot, in lower case, as Windows would see it; "" for none."""
    return _shown(untrusted_name).rpartition(".")[2] if "." in _shown(untrusted_name) else ""


def _shown(untrusted_name: str) -> str:
    """Return the last part of a path, without what is invisible or dropped."""
    part = _INVISIBLE.sub("", _BIDI.sub("", untrusted_name)).replace("\\", "/").rpartition("/")[2]
    return part.rstrip(" .").casefold()


class NameBook:
    """The names of one archive beside each other."""

    def __init__(self) -> None:
        self._files: dict[str, bool] = {}  # by key: whether it is a folder
        self._links: set[str] = set()
        self.has_duplicates = False

    def add(self, untrusted_name: str, *, is_folder: bool = False, is_link: bool = False) -> None:
        """Take one name in."""
        key = _key(untrusted_name)
        if key in self._files and not (is_folder and self._files[key]):
            self.has_duplicates = True
        self._files[key] = is_folder
        if is_link:
            self._links.add(key)

    def findings(self) -> Iterator[Code]:
        """Yield what only all names together show."""
        if self.has_duplicates:
            yield Code.ARCHIVE_NAME_DUPLICATE
        if self._links and any(self._is_below_a_link(key) for key in self._files):
            yield Code.ARCHIVE_THROUGH_LINK

    def _is_below_a_link(self, key: str) -> bool:
        at = key.find("/")
        # Capped: a name of 64 kB of slashes would cost 64,000 look-ups.
        for _ in range(PART_MAX):
            if at < 0:
                return False
            if key[:at] in self._links:
                return True
            at = key.find("/", at + 1)
        return False


def _key(untrusted_name: str) -> str:
    path = untrusted_name.replace("\\", "/").strip("/")[:PATH_MAX]
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _is_other_on_windows(part: str) -> bool:
    if part in {".", ".."}:
        return False
    return part.endswith((".", " ")) or bool(_RESERVED.fullmatch(part) or _WINDOWS.search(part))


def _is_unusable(part: str) -> bool:
    return part in {"", "."} or len(part) > PART_MAX or len(part.encode("utf-8", "replace")) > PART_MAX
