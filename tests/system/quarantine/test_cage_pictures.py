"""Pictures at a gateway that takes them: both readers, in the real cage. Elsewhere Pillow is not even in memory.

Invariant Q8.
"""

from pathlib import Path
from typing import Any

import pytest

from quarantine.scanner.local_clamd import LocalClamd
from quarantine.workers.zygote_client import ZygoteClient
from tests.builders.jpeg_files import chunk, jpeg, png
from tests.builders.picture_files import exif, saved, two_pictures, with_text
from tests.worlds.gateway_process import GatewayProcess
from transfer.names import Lane

PICTURES = {
    "plain.jpg": (saved("JPEG"), set()),
    "plain.png": (saved("PNG"), set()),
    "place.jpg": (saved("JPEG", exif=exif(gps=True)), {"privacy.picture-location"}),
    "serial.jpg": (saved("JPEG", exif=exif(serial=True)), {"privacy.picture-device"}),
    "camera.png": (saved("PNG", exif=exif(device=True)), {"privacy.picture-device"}),
    "text.png": (with_text("Comment", "A"), {"privacy.picture-text"}),
    "two.jpg": (two_pictures("MPO"), {"image.frames"}),
    "film.png": (two_pictures("PNG"), {"image.frames"}),
}
HELD = {
    "program.jpg": (jpeg() + b"MZ" + bytes(80), {"image.data-after-end", "file.polyglot"}),
    # Only Pillow finds fault with it.
    "colour.png": (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\x08\0\0\0\x08\x08\x07\0\0\0") + png()[33:],
        {"image.damaged"},
    ),
}


@pytest.mark.parametrize(("pictures", "lane"), [(PICTURES, Lane.CLEAR), (HELD, Lane.HELD)])
def test_pictures_are_inspected_in_the_cage(
    tmp_path: Path, clamd: LocalClamd, pictures: dict[str, tuple[bytes, set[str]]], lane: Lane
) -> None:
    settings: dict[str, Any] = {
        "inspection": True,
        "clamd_socket": str(clamd.socket_path),
        "allowed_types": ("jpg", "png", "pdf"),
    }
    with GatewayProcess(tmp_path, **settings) as gateway:
        answer = gateway.submit([("message", "x")], [(name, content) for name, (content, _) in pictures.items()])
        assert answer.words, answer.text
        (packet,) = gateway.packets()
    found = {note.name: {finding.code for finding in note.findings} for note in packet.manifest.files}
    assert found == {name: codes for name, (_, codes) in pictures.items()}
    assert packet.lane is lane


@pytest.mark.parametrize("pictures", [False, True])
def test_a_zygote_holds_pillow_only_where_pictures_are_taken(*, pictures: bool) -> None:
    with ZygoteClient(pictures=pictures) as zygote:
        assert zygote.pid is not None
        # Process 1 of its namespace is the one that forks; without namespaces it is the zygote itself.
        children = Path(f"/proc/{zygote.pid}/task/{zygote.pid}/children").read_text().split()
        maps = Path(f"/proc/{children[0] if children else zygote.pid}/maps").read_text()
        assert "python3" in maps
        assert ("PIL/_imaging" in maps) is pictures
