"""ZIP archives as people make them: the same ordinary files by `zip`, Python and `bsdtar`, in many ways."""

import io
import random
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.builders.zip_writer import DEFLATED, DESCRIPTOR, HELLO, ZipEntry, make_zip


def benign_archives(folder: Path) -> dict[str, bytes]:
    """All of them by name; `folder` is written to."""
    source = folder / "papers"
    (source / "sub folder").mkdir(parents=True)
    (source / "letter.txt").write_text("Dear Sir or Madam,\n" * 50)
    (source / "empty.txt").touch()
    (source / "sub folder" / "søknad æøå.txt").write_text("blåbær\n" * 9)
    (source / "sub folder" / "table.csv").write_text("".join(f"{n};{n * n}\n" for n in range(20_000)))
    (source / "picture.bin").write_bytes(random.Random(3).randbytes(200_000))
    (source / "link").symlink_to("letter.txt")
    archives = {}
    for name, command in {
        "zip": ["zip", "-qr", "OUT", "papers"],
        "zip_links": ["zip", "-qry", "OUT", "papers"],
        "zip_no_extra": ["zip", "-qrX", "OUT", "papers"],
        "zip_stored": ["zip", "-qr0", "OUT", "papers"],
        "zip_best": ["zip", "-qr9", "OUT", "papers"],
        "zip_zip64": ["zip", "-qr", "-fz", "OUT", "papers"],
        "zip_descriptors": ["zip", "-qr", "-fd", "OUT", "papers"],
        "zip_no_folders": ["zip", "-qrD", "OUT", "papers"],
        "zip_flat": ["zip", "-qrj", "OUT", "papers"],
        "zip_dos_names": ["zip", "-qrk", "OUT", "papers"],
        "bsdtar": ["bsdtar", "-a", "-cf", "OUT", "papers"],
        "bsdtar_stored": ["bsdtar", "--format", "zip", "--options", "zip:compression=store", "-cf", "OUT", "papers"],
        "bsdtar_zip64": ["bsdtar", "--format", "zip", "--options", "zip:zip64", "-cf", "OUT", "papers"],
    }.items():
        path = folder / f"{name}.zip"
        arguments = [str(path) if part == "OUT" else part for part in command]
        subprocess.run(arguments, cwd=folder, check=True, capture_output=True)
        archives[name] = path.read_bytes()
    for name, script in {
        "zip_to_a_pipe": "zip -qr - papers | cat",
        "zip_from_a_pipe": "cat papers/letter.txt | zip -q - -",
        "bsdtar_to_a_pipe": "bsdtar --format zip -cf - papers | cat",
        "zip_commented": "echo a comment | zip -qz c.zip papers/letter.txt && cat c.zip",
        "zip_updated": "cp zip.zip u.zip && echo new > new.txt && zip -q u.zip new.txt && cat u.zip",
        "zip_deleted": "cp zip.zip d.zip && zip -qd d.zip papers/letter.txt && cat d.zip",
        "zip_of_zips": "zip -qr z.zip zip.zip bsdtar.zip papers && cat z.zip",
    }.items():
        shell = ["/bin/sh", "-c", script]
        archives[name] = subprocess.run(shell, cwd=folder, check=True, capture_output=True).stdout
    return archives | _by_python(source)


def _by_python(source: Path) -> dict[str, bytes]:
    def made(write: Callable[[zipfile.ZipFile], None], method: int = zipfile.ZIP_DEFLATED) -> bytes:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as zipped:
            write(zipped)
        return archive.getvalue()

    def all_files(zipped: zipfile.ZipFile) -> None:
        for path in sorted(source.rglob("*")):
            zipped.write(path, path.relative_to(source.parent))

    def streamed(zipped: zipfile.ZipFile) -> None:
        with zipped.open("a.txt", "w", force_zip64=True) as member:
            member.write(b"x" * 100)

    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

    unseekable = Unseekable()
    with zipfile.ZipFile(unseekable, "w", zipfile.ZIP_DEFLATED) as zipped:
        all_files(zipped)
    appended = io.BytesIO(made(all_files))
    with zipfile.ZipFile(appended, "a") as zipped:
        zipped.writestr("more.txt", "more")
    return {
        "python": made(all_files),
        "python_stored": made(all_files, zipfile.ZIP_STORED),
        "python_zip64_member": made(streamed),
        "python_empty": made(lambda zipped: None),
        "python_unseekable": unseekable.getvalue(),
        "python_appended": appended.getvalue(),
        "own_descriptors": make_zip(ZipEntry("a", b"abc", DEFLATED, flags=DESCRIPTOR), HELLO),
    }
