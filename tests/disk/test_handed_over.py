"""What people hand over is a regular file, of a size that was agreed on, and is what its name says. Invariant T16."""

import os
import socket
from pathlib import Path

import pytest

from disk.handed_over import (
    HandedOverError,
    demand_folder,
    demand_replaceable,
    open_handed_over,
    read_handed_over,
)

SPARSE = 32 * 2**30  # bytes
ENDLESS = Path("/dev/zero")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def sparse(path: Path, *, holes: int = SPARSE, pieces: bytes = b"x") -> Path:
    with path.open("wb") as stream:
        stream.seek(holes)
        stream.write(pieces)
    return path


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_handed_over(tmp_path / "file", largest=5) == b"12345"
    (tmp_path / "empty").touch()
    assert read_handed_over(tmp_path / "empty", largest=5) == b""
    with pytest.raises(HandedOverError, match="is larger than 4 bytes, the most"):
        read_handed_over(tmp_path / "file", largest=4)
    with pytest.raises(FileNotFoundError):
        read_handed_over(tmp_path / "missing", largest=4)


@pytest.mark.parametrize("largest", [10, None])
def test_what_is_no_file_is_named_and_never_waited_for(tmp_path: Path, pipe: Path, largest: int | None) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "file").write_bytes(b"12345")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path, reason in {
            pipe: "named pipe",
            ENDLESS: "device",
            tmp_path / "folder": "folder, not a file",
            tmp_path / "link": "symbolic link",
            tmp_path / "socket": "socket",
        }.items():
            with pytest.raises(HandedOverError, match=reason), open_handed_over(path, largest=largest):
                pass


def test_a_pipe_that_takes_a_name_meanwhile_is_not_waited_for(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    regular = Path(__file__).stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    with pytest.raises(HandedOverError, match="named pipe"), open_handed_over(pipe, largest=10):
        pass


def test_a_link_that_takes_a_name_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(__file__)
    regular = Path(__file__).stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    with pytest.raises(OSError, match="Too many levels"), open_handed_over(tmp_path / "link", largest=None):
        pass


def test_of_our_own_files_a_link_is_followed_and_a_pipe_refused(tmp_path: Path, pipe: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_handed_over(tmp_path / "link", largest=5, follow=True) == b"12345"
    (tmp_path / "to-pipe").symlink_to("pipe")
    for path in (tmp_path / "to-pipe", pipe):
        with pytest.raises(HandedOverError, match="named pipe"):
            read_handed_over(path, largest=5, follow=True)


def test_a_sparse_file_of_any_length_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = sparse(tmp_path / "sparse")
    larger = pytest.raises(HandedOverError, match="is larger than 16 MiB")
    with larger, open_handed_over(path, largest=16 * 2**20):
        pass
    claims = pytest.raises(HandedOverError, match=f"claims {SPARSE + 1} bytes that no disk holds")
    with claims, open_handed_over(path, largest=None):
        pass


def test_many_small_holes_are_holes_too(tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as stream:
        for place in range(8):
            stream.seek(place * 2**19)
            stream.write(bytes([1]) * 4096)
    with pytest.raises(HandedOverError, match="sparse"), open_handed_over(tmp_path / "holes", largest=None):
        pass


def test_the_zeros_that_a_crash_leaves_are_no_reason_to_refuse_a_log(tmp_path: Path) -> None:
    path = sparse(tmp_path / "log", holes=64 * 1024)
    with open_handed_over(path, largest=None) as stream:
        assert len(stream.read()) == 64 * 1024 + 1


def test_a_folder_is_a_folder_itself(tmp_path: Path, pipe: Path) -> None:
    demand_folder(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(HandedOverError, match="symbolic link"):
        demand_folder(tmp_path / "link")
    for path in (pipe, tmp_path / "missing", ENDLESS, pipe / "below"):
        with pytest.raises(HandedOverError, match=r"is not a folder; is it there\?"):
            demand_folder(path, hint="; is it there?")


def test_only_a_file_is_replaced_by_a_file(tmp_path: Path, pipe: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    for path in (tmp_path / "file", tmp_path / "missing"):
        demand_replaceable(path)
    for path in (pipe, tmp_path / "link", tmp_path, ENDLESS):
        with pytest.raises(HandedOverError):
            demand_replaceable(path)
