"""The sample files are what they are called, to other programs than ours."""

import io
import subprocess
import zipfile
from pathlib import Path

import pypdf
import rarfile

from enveis.demo.sample_files import deflated_zip, one_page_pdf, stored_rar

FILES = {"a note.txt": b"hello\n" * 50, "mappe/ø.bin": bytes(range(256)) * 300, "empty": b""}


def test_rar_is_read_by_two_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "x.rar"
    path.write_bytes(stored_rar(FILES))
    with rarfile.RarFile(path) as archive:
        assert {info.filename: archive.read(info) for info in archive.infolist()} == FILES
    subprocess.run(["unar", "-q", "-o", tmp_path / "out", path], check=True)
    found = {str(p.relative_to(tmp_path / "out")): p for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert {name.removeprefix("x/"): p.read_bytes() for name, p in found.items()} == FILES


def test_zip() -> None:
    archive = zipfile.ZipFile(io.BytesIO(deflated_zip(FILES)))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == FILES


def test_pdf() -> None:
    document = pypdf.PdfReader(io.BytesIO(one_page_pdf(r"Kommunen (byen) \ 2026")), strict=True)
    assert [page.extract_text() for page in document.pages] == [r"Kommunen (byen) \ 2026"]
