"""Our own files: whole or absent, private, never replaced unasked.

Invariant X1.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from disk.durable import is_private, make_home, make_private_folder, replace, sync_folder, write_all_new, write_new


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("write", [write_new, replace])
def test_written_whole_and_private(tmp_path: Path, write: object) -> None:
    old = os.umask(0)
    try:
        write(tmp_path / "key", [b"one", b"", b"two"])  # type: ignore[operator]
    finally:
        os.umask(old)
    assert (tmp_path / "key").read_bytes() == b"onetwo"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert names(tmp_path) == ["key"]


def test_write_new_never_replaces(tmp_path: Path) -> None:
    write_new(tmp_path / "key", [b"old"])
    with pytest.raises(FileExistsError, match="already exists"):
        write_new(tmp_path / "key", [b"new"])
    assert (tmp_path / "key").read_bytes() == b"old"
    assert names(tmp_path) == ["key"]


def test_write_new_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "vfat")

    monkeypatch.setattr(os, "link", no_links)
    write_new(tmp_path / "key", [b"old"])
    with pytest.raises(FileExistsError, match="already exists"):
        write_new(tmp_path / "key", [b"new"])
    assert (tmp_path / "key").read_bytes() == b"old"
    assert names(tmp_path) == ["key"]


def broken() -> Iterator[bytes]:
    yield b"half"
    raise OSError(errno.ENOSPC, "full")


@pytest.mark.parametrize("write", [write_new, replace])
def test_a_failure_leaves_what_was_there(tmp_path: Path, write: object) -> None:
    (tmp_path / "other").write_bytes(b"old")
    with pytest.raises(OSError, match="full"):
        write(tmp_path / "key", broken())  # type: ignore[operator]
    assert names(tmp_path) == ["other"]


def test_replace_shows_the_old_or_the_new(tmp_path: Path) -> None:
    replace(tmp_path / "key", [b"old"])
    with pytest.raises(OSError, match="full"):
        replace(tmp_path / "key", broken())
    assert (tmp_path / "key").read_bytes() == b"old"
    replace(tmp_path / "key", [b"new"])
    assert (tmp_path / "key").read_bytes() == b"new"


@pytest.mark.parametrize("write", [write_new, replace])
def test_what_was_planted_under_a_temporary_name_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object
) -> None:
    """In a folder that others may write to, its owner would read our secret."""
    planted = tmp_path / f".key.{os.getpid()}.tmp"
    planted.write_bytes(b"")
    write(tmp_path / "key", [b"secret"])  # type: ignore[operator]
    assert planted.read_bytes() == b""
    planted.unlink()
    (tmp_path / "key").unlink()
    for plant in (Path.touch, lambda path: path.symlink_to(tmp_path / "elsewhere")):
        monkeypatch.setattr(secrets, "token_hex", lambda _: "guessed")
        plant(tmp_path / ".key.guessed.tmp")
        with pytest.raises(FileExistsError):
            write(tmp_path / "key", [b"secret"])  # type: ignore[operator]
        assert names(tmp_path) == [".key.guessed.tmp"]
        (tmp_path / ".key.guessed.tmp").unlink()


def test_two_threads_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    def write(content: bytes) -> None:
        for _ in range(20):
            replace(tmp_path / "key", [content])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [b"one", b"two"]))
    assert names(tmp_path) == ["key"]


def test_bytes_then_name_then_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real_sync, real_replace, real_link = os.fsync, os.replace, os.link

    def fsync(fd: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "bytes")
        real_sync(fd)

    def named(real: object) -> object:
        def call(source: Path, target: Path) -> None:
            calls.append("name")
            real(source, target)  # type: ignore[operator]

        return call

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", named(real_replace))
    monkeypatch.setattr(os, "link", named(real_link))
    replace(tmp_path / "a", [b"x"])
    write_new(tmp_path / "b", [b"x"])
    assert calls == ["bytes", "name", "folder"] * 2


def test_private_folders(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b")
        make_private_folder(tmp_path / "a" / "b")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    sync_folder(tmp_path / "a")


def build(folder: Path) -> None:
    write_new(folder / "key", [b"k"])
    make_private_folder(folder / "inbox")


def fails(folder: Path) -> None:
    build(folder)
    raise OSError(errno.ENOSPC, "full")


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_home_is_complete_or_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: bool, in_place: bool
) -> None:
    home = tmp_path / "up" / "home"
    if there or in_place:
        home.mkdir(parents=True)
    if in_place:
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OSError, match="full"):
        make_home(home, fails)
    assert list((tmp_path / "up").rglob("*")) == ([home] if there or in_place else [])
    make_home(home, build)
    assert names(home) == ["inbox", "key"]
    assert is_private(home)
    assert names(home.parent) == ["home"]
    with pytest.raises(FileExistsError, match="not empty"):
        make_home(home, fails)
    assert names(home) == ["inbox", "key"]


def test_is_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_new(path, [b"k"])
    assert is_private(path)
    for mode in (0o640, 0o604, 0o610, 0o602):
        path.chmod(mode)
        assert not is_private(path)


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_folder_is_no_file_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    for write in (write_new, replace):
        with pytest.raises(IsADirectoryError):
            write(Path(name), [b"x"])
    assert names(tmp_path) == []


def test_the_longest_name_that_a_file_may_have(tmp_path: Path) -> None:
    write_new(tmp_path / ("å" * 127), [b"x"])
    replace(tmp_path / ("å" * 127), [b"y"])
    assert (tmp_path / ("å" * 127)).read_bytes() == b"y"


def test_files_that_belong_together_are_all_there_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {tmp_path / "a": b"1", tmp_path / "b": b"2"}
    write_all_new(files)
    with pytest.raises(FileExistsError, match="already exists"):
        write_all_new({tmp_path / "0": b"0", tmp_path / "b": b"3"})
    with pytest.raises(FileNotFoundError):
        write_all_new({tmp_path / "0": b"0", tmp_path / "absent" / "c": b"3"})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == files


@pytest.mark.parametrize("write", [write_new, replace])
def test_a_full_disk_is_named_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as raised:
        write(tmp_path / "key", [b"one"])  # type: ignore[operator]
    assert raised.value.filename == str(tmp_path)
