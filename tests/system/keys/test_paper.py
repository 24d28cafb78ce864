"""A printed key comes back: the page is drawn by a browser, and other people's program reads the code on it."""

import subprocess
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from keys.identity import generate_identity, parse_identity
from keys.paper import identity_sheet, share_sheet
from keys.recipient import KeyKind
from keys.shares import Plan, join_identity, parse_share, split_identity
from tests.worlds.waiting import WATCHDOG

A4 = (595, 842)  # points


def chromium(folder: Path, *arguments: str) -> None:
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    profile = f"--user-data-dir={folder / 'profile'}"
    subprocess.run([*command, profile, *arguments], check=True, capture_output=True, timeout=WATCHDOG)


def scanned(folder: Path, page: bytes, *, scale: str = "2") -> str:
    """Return what a scanner reads off the page as it looks on paper."""
    (folder / "page.html").write_bytes(page)
    size = [f"--screenshot={folder / 'page.png'}", "--window-size=800,1120", f"--force-device-scale-factor={scale}"]
    chromium(folder, *size, (folder / "page.html").as_uri())
    with Image.open(folder / "page.png") as picture:
        (code,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return code.text


@pytest.mark.parametrize("kind", KeyKind)
def test_a_printed_identity_is_scanned_back(tmp_path: Path, kind: KeyKind) -> None:
    identity = generate_identity(kind)
    assert parse_identity(scanned(tmp_path, identity_sheet(identity))) == identity


def test_printed_shares_are_scanned_back_and_join(tmp_path: Path) -> None:
    identity = generate_identity(KeyKind.HYBRID)
    ((first, _, third),) = split_identity(identity, Plan())
    found = []
    for number, share in enumerate((first, third)):
        folder = tmp_path / str(number)
        folder.mkdir()
        found.append(parse_share(scanned(folder, share_sheet(share, identity.recipient))))
    assert join_identity(found, "", [identity.recipient]) == identity


def test_each_sheet_is_one_page_of_paper(tmp_path: Path) -> None:
    identity = generate_identity(KeyKind.HYBRID)
    groups = split_identity(identity, Plan(((2, 3), (1, 1)), groups_needed=2))
    for page in (
        identity_sheet(identity),
        share_sheet(groups[0][1], identity.recipient),
        share_sheet(groups[1][0], None),
    ):
        (tmp_path / "page.html").write_bytes(page)
        target = tmp_path / "page.pdf"
        chromium(tmp_path, f"--print-to-pdf={target}", "--no-pdf-header-footer", (tmp_path / "page.html").as_uri())
        (sheet,) = PdfReader(target).pages
        assert (round(sheet.mediabox.width), round(sheet.mediabox.height)) == pytest.approx(A4, abs=2)
