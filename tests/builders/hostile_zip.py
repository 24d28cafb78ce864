"""One ZIP for each trick, named for it; what must be found stands in tests/vectors/quarantine/zip.toml."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.builders.rar5 import Rar5Entry, rar5
from tests.builders.zip_writer import (
    CENTRAL,
    DEFLATED,
    DESCRIPTOR,
    DOS,
    ENCRYPTED,
    FULL_16,
    FULL_32,
    HELLO,
    LOCAL,
    MASKED,
    STRONG,
    UTF8,
    ZipEntry,
    central,
    deflate,
    end,
    extra,
    local,
    make_zip,
    named,
)

MIB: Final = 1024 * 1024
MANY: Final = ZipEntry("many.txt", b"x" * 100_000, DEFLATED)
INNER: Final = make_zip(HELLO)
OTHER: Final = make_zip(ZipEntry("other.txt", b"other"))
PROGRAM: Final = b"MZ\x90\x00" + bytes(56) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(200)
LINK: Final = ZipEntry("link", b"hello.txt", mode=0o120777)
MIMIC: Final = replace(HELLO, name="notes.txt", data=b"a text\n")


def nested(archive: bytes, depth: int) -> bytes:
    for number in range(depth):
        archive = make_zip(ZipEntry(f"{number}.zip", archive, DEFLATED))
    return archive


def bomb_42() -> bytes:
    """Like 42.zip: sixteen archives in each archive, zeros at the bottom."""
    archive = make_zip(ZipEntry("zeros", bytes(8 * MIB), DEFLATED))
    for _ in range(3):
        archive = make_zip(*[ZipEntry(f"lib {number}.zip", archive, DEFLATED) for number in range(16)])
    return archive


def quoted_overlap(count: int = 250, kernel: int = 200_000) -> bytes:
    """Each member's deflate quotes the next one's header and continues into its data (Fifield, 2019)."""
    plain = bytes(kernel)
    packed = deflate(plain)
    entries, chain = [], b""
    for number in range(count):
        entry = ZipEntry(chr(65 + number % 26), plain, DEFLATED, packed=packed)
        header = local(entry)[:31]
        chain = header + packed
        entries.append((entry, len(chain)))
        # A stored block that is not the last one, with the header inside.
        packed = struct.pack("<BHH", 0, len(header), FULL_16 ^ len(header)) + chain
        plain = header + plain
    directory = b"".join(central(entry, len(chain) - behind) for entry, behind in reversed(entries))
    return chain + directory + end(count, len(directory), len(chain))


def full_overlap(count: int = 300) -> bytes:
    member = local(MANY)
    directory = b"".join(central(MANY, 0) for _ in range(count))
    return member + directory + end(count, len(directory), len(member))


def bzip2_bomb() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_BZIP2) as zipped:
        zipped.writestr("zeros", bytes(45 * MIB))
    return archive.getvalue()


def with_method(method: int) -> bytes:
    return make_zip(ZipEntry("a", b"abc", method, packed=b"abc"))


def many_members(count: int) -> bytes:
    return make_zip(*[ZipEntry(str(number)) for number in range(count)], count=count & FULL_16, here=count & FULL_16)


def claims_many() -> bytes:
    return make_zip(HELLO, count=60_000, here=60_000)


def unicode_path(name: bytes, other: str) -> bytes:
    return extra(0x7075, b"\x01" + struct.pack("<I", zlib.crc32(name)) + other.encode())


def zip64_sizes(*values: int) -> bytes:
    return extra(1, struct.pack(f"<{len(values)}Q", *values))


def two_directories() -> bytes:
    """Two archives one after the other, the first with an end of its own."""
    first = make_zip(HELLO)
    second = local(ZipEntry("evil.txt", b"evil"))
    directory = central(ZipEntry("evil.txt", b"evil"), len(first))
    return first + second + directory + end(1, len(directory), len(first) + len(second))


def end_in_comment() -> bytes:
    """The old end is the comment of the new one: read from the back, the other archive appears."""
    hidden = central(ZipEntry("hidden.txt", b"hidden"), 0)
    inner = end(1, len(hidden), 0)
    return make_zip(HELLO, comment=inner)


def member_beyond_end() -> bytes:
    return make_zip(replace(HELLO, central={"packed": 5000, "size": 5000}))


def hidden_member() -> bytes:
    """A whole member in the local headers that the directory does not name."""
    return make_zip(HELLO, replace(MIMIC, before=local(ZipEntry("hidden.txt", b"hidden"))))


def deflate_trailing() -> bytes:
    return make_zip(ZipEntry("a", b"abc", DEFLATED, packed=deflate(b"abc") + b"hidden"))


def deflate_trailing_after_64k() -> bytes:
    """The deflate stream ends where a piece of 64 KiB does, and hidden bytes are the next piece."""
    plain = bytes(range(256)) * 256
    plain = plain[: 64 * 1024 - 5]
    stored = struct.pack("<BHH", 1, len(plain), FULL_16 ^ len(plain)) + plain
    return make_zip(ZipEntry("a", plain, DEFLATED, packed=stored + b"hidden"))


def deflate_cut() -> bytes:
    return make_zip(ZipEntry("a", b"abc" * 9, DEFLATED, packed=deflate(b"abc" * 9)[:-3]))


def office(name: str, data: bytes) -> bytes:
    return make_zip(
        ZipEntry("[Content_Types].xml", b"<Types/>", DEFLATED),
        ZipEntry("word/document.xml", b"<w:document/>", DEFLATED),
        ZipEntry(name, data, DEFLATED),
    )


AUTHOR: Final = b"<cp:coreProperties><dc:creator>Somebody</dc:creator></cp:coreProperties>"
OLE_MACRO: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "_VBA_PROJECT".encode("utf-16-le") + bytes(50)

BUILDERS: Final[dict[str, Callable[[], bytes]]] = {
    # --- the end, the directory, and bytes of nobody
    "prepended_data": lambda: make_zip(HELLO, prefix=LOCAL + b"a header of nobody's" * 3),
    "prepended_with_right_offsets": lambda: make_zip(replace(HELLO, before=LOCAL + b"data" * 20)),
    "trailing_data": lambda: make_zip(HELLO, suffix=b"hidden"),
    "trailing_zeros": lambda: make_zip(HELLO, suffix=bytes(512)),
    "trailing_beyond_a_comment": lambda: make_zip(HELLO, suffix=b"x" * 70_000),
    "comment": lambda: make_zip(HELLO, comment=b"a comment"),
    "comment_longer_than_said": lambda: make_zip(HELLO, comment=b"a comment", comment_size=3),
    "comment_shorter_than_said": lambda: make_zip(HELLO, comment=b"a comment", comment_size=30),
    "comment_of_a_member": lambda: make_zip(replace(HELLO, comment=b"a comment")),
    "end_in_comment": end_in_comment,
    "end_in_member_comment": lambda: make_zip(replace(HELLO, comment=end(0, 0, 0))),
    "end_in_gap": lambda: make_zip(HELLO, before_directory=end(0, 0, 0)),
    "end_missing": lambda: make_zip(HELLO)[:-22],
    "end_cut": lambda: make_zip(HELLO)[:-5],
    "two_archives": two_directories,
    "two_archives_concatenated": lambda: make_zip(HELLO) + OTHER,
    "gap_between_members": lambda: make_zip(HELLO, replace(MIMIC, before=b"hidden")),
    "gap_of_zeros": lambda: make_zip(HELLO, replace(MIMIC, before=bytes(100))),
    "gap_before_directory": lambda: make_zip(HELLO, before_directory=b"hidden"),
    "gap_behind_directory": lambda: make_zip(HELLO, after_directory=b"hidden"),
    "member_not_in_directory": hidden_member,
    "directory_missing": lambda: LOCAL + bytes(100),
    "count_too_small": lambda: make_zip(HELLO, MIMIC, count=1, here=1),
    "count_too_large": lambda: make_zip(HELLO, count=2, here=2),
    "count_hides_10001_members": lambda: make_zip(*[ZipEntry(str(n)) for n in range(10_001)], count=5, here=5),
    "count_here_differs": lambda: make_zip(HELLO, MIMIC, here=1),
    "count_60000_claimed": claims_many,
    "count_65535_overflown": lambda: make_zip(*[ZipEntry(str(number)) for number in range(9)], count=9 + 3, here=9 + 3),
    "directory_size_too_small": lambda: make_zip(HELLO, MIMIC, size=len(central(HELLO, 0))),
    "directory_size_too_large": lambda: make_zip(HELLO, size=70_000),
    "directory_offset_too_small": lambda: make_zip(HELLO, offset=3),
    "directory_offset_too_large": lambda: make_zip(HELLO, offset=50),
    "directory_of_garbage": lambda: make_zip(HELLO).replace(CENTRAL, b"PK\x01\x03"),
    "volume_first": lambda: make_zip(HELLO, disk=1, start_disk=0),
    "volume_member": lambda: make_zip(replace(HELLO, central={"disk": 2})),
    # --- ZIP64
    "zip64_honest": lambda: make_zip(HELLO, zip64={}),
    "zip64_count_differs": lambda: make_zip(HELLO, zip64={"count": 2}),
    "zip64_size_differs": lambda: make_zip(HELLO, zip64={"size": 10}),
    "zip64_offset_differs": lambda: make_zip(HELLO, zip64={"offset": 1}),
    "zip64_record_elsewhere": lambda: make_zip(HELLO, zip64={"at": 7}),
    "zip64_record_longer": lambda: make_zip(HELLO, zip64={"record": 60}),
    "zip64_several_disks": lambda: make_zip(HELLO, zip64={"disks": 2}),
    "zip64_missing": lambda: make_zip(HELLO, size=FULL_32),
    "zip64_missing_for_the_offset": lambda: make_zip(HELLO, offset=FULL_32),
    "zip64_field_too_short": lambda: make_zip(replace(HELLO, extra=extra(1, b"abc"), central={"size": FULL_32})),
    "zip64_field_missing": lambda: make_zip(replace(HELLO, central={"size": FULL_32})),
    "zip64_field_contradicts": lambda: make_zip(replace(HELLO, extra=zip64_sizes(7, 7))),
    # --- local against central, descriptors, overlap
    "local_name_differs": lambda: make_zip(replace(HELLO, local={"name": b"hello.exe"})),
    "local_size_differs": lambda: make_zip(replace(HELLO, local={"size": 6})),
    "local_packed_size_differs": lambda: make_zip(replace(HELLO, local={"packed": 6})),
    "local_crc_differs": lambda: make_zip(replace(HELLO, local={"crc32": 1})),
    "local_method_differs": lambda: make_zip(replace(HELLO, local={"method": DEFLATED})),
    "local_encryption_differs": lambda: make_zip(replace(HELLO, local={"flags": ENCRYPTED})),
    "local_header_missing": lambda: make_zip(HELLO).replace(LOCAL, b"PK\x03\x05"),
    "local_offset_beyond_end": lambda: make_zip(replace(HELLO, central={"offset": 0x7FFFFFFF})),
    "descriptor_honest": lambda: make_zip(replace(HELLO, flags=DESCRIPTOR), MIMIC),
    "descriptor_differs": lambda: make_zip(replace(HELLO, flags=DESCRIPTOR, descriptor=b"PK\x07\x08" + bytes(12))),
    "descriptor_beside_other_sizes": lambda: make_zip(replace(HELLO, flags=DESCRIPTOR, local={"size": 77})),
    "descriptor_missing": lambda: make_zip(replace(HELLO, flags=DESCRIPTOR, descriptor=b""), MIMIC),
    "descriptor_flag_only_in_local": lambda: make_zip(replace(HELLO, local={"flags": DESCRIPTOR})),
    "overlap_full": full_overlap,
    "overlap_quoted": quoted_overlap,
    "overlap_two_entries_one_member": lambda: full_overlap(2),
    "overlap_with_directory": member_beyond_end,
    "crc_wrong_in_both": lambda: make_zip(replace(HELLO, local={"crc32": 1}, central={"crc32": 1})),
    "size_wrong_in_both": lambda: make_zip(replace(MANY, local={"size": 9}, central={"size": 9})),
    "deflate_trailing": deflate_trailing,
    "deflate_trailing_after_64k": deflate_trailing_after_64k,
    "deflate_cut": deflate_cut,
    "extra_field_cut_in_directory": lambda: make_zip(replace(HELLO, extra=b"UT\xff\x00abc", local_extra=b"")),
    "extra_field_cut_in_local": lambda: make_zip(replace(HELLO, local_extra=b"UT\xff\x00abc")),
    "extra_fields_without_end": lambda: make_zip(replace(HELLO, extra=extra(0xFE, b"") * 100)),
    "extra_field_cut": lambda: make_zip(replace(HELLO, extra=b"UT\xff\x00abc")),
    # --- methods, encryption, bombs
    "encrypted": lambda: make_zip(ZipEntry("a", bytes(20), flags=ENCRYPTED)),
    "encrypted_aes": lambda: make_zip(ZipEntry("a", bytes(40), 99, packed=bytes(40))),
    "encrypted_strong": lambda: make_zip(ZipEntry("a", bytes(20), flags=STRONG | ENCRYPTED)),
    "encrypted_directory": lambda: make_zip(ZipEntry("a", bytes(20), flags=MASKED)),
    "encrypted_inside": lambda: nested(make_zip(ZipEntry("a", bytes(20), flags=ENCRYPTED)), 2),
    "bzip2_bomb": bzip2_bomb,
    "method_lzma": lambda: with_method(14),
    "method_deflate64": lambda: with_method(9),
    "method_zstd": lambda: with_method(93),
    "method_unknown": lambda: with_method(77),
    "bomb_deflate": lambda: make_zip(ZipEntry("zeros", bytes(40 * MIB), DEFLATED)),
    "bomb_42": bomb_42,
    "bomb_60000_members": lambda: many_members(60_000),
    "bomb_depth": lambda: nested(INNER, 6),
    "bomb_hides_its_size": lambda: make_zip(
        ZipEntry("z", bytes(40 * MIB), DEFLATED, local={"size": 10}, central={"size": 10})
    ),
    # --- names
    "path_traversal": lambda: named("../../etc/cron.d/x"),
    "path_traversal_inside": lambda: named("a/../../b.txt"),
    "path_traversal_backslash": lambda: named("..\\..\\x.txt"),
    "path_absolute": lambda: named("/etc/passwd"),
    "path_drive": lambda: named("C:\\Windows\\x.txt"),
    "path_unc": lambda: named("\\\\server\\share\\x.txt"),
    "name_alternate_stream": lambda: named("report.txt:hidden"),
    "name_reserved": lambda: named("folder/CON.txt"),
    "name_trailing_dot": lambda: named("report.txt."),
    "name_trailing_space": lambda: named("folder /report.txt"),
    "name_wildcard": lambda: named("what?.txt"),
    "name_nul": lambda: named("report.txt\x00.pdf"),
    "name_escape_sequence": lambda: named("\x1b[2Jreport.txt"),
    "name_line_feed": lambda: named("report\n.txt"),
    "name_bidi": lambda: named("report\u202egnp.txt", flags=UTF8),
    "name_zero_width": lambda: named("rep\u200bort.txt", flags=UTF8),
    "name_empty": lambda: named(""),
    "name_too_long": lambda: named("n" * 300 + ".txt"),
    "name_not_utf8": lambda: named(b"\xe6\xf8.txt", flags=UTF8),
    "name_twice": lambda: make_zip(HELLO, replace(HELLO, data=b"other")),
    "name_twice_by_case": lambda: make_zip(HELLO, replace(HELLO, name="HELLO.TXT")),
    "name_twice_by_normal_form": lambda: make_zip(
        replace(HELLO, name="e\u0301.txt", flags=UTF8), replace(HELLO, name="\u00e9.txt", flags=UTF8)
    ),
    "two_names": lambda: named("report.txt", extra=unicode_path(b"report.txt", "report.exe")),
    # --- links, devices, programs
    "link_inside": lambda: make_zip(HELLO, LINK),
    "link_absolute": lambda: make_zip(replace(LINK, data=b"/etc/passwd")),
    "link_climbs": lambda: make_zip(replace(LINK, name="a/link", data=b"../../x")),
    "link_written_through": lambda: make_zip(replace(LINK, data=b"/tmp"), replace(HELLO, name="link/hello.txt")),
    "device": lambda: make_zip(ZipEntry("sda", mode=0o060660)),
    "program": lambda: make_zip(ZipEntry("tool.exe", PROGRAM)),
    "program_by_content": lambda: make_zip(ZipEntry("tool", PROGRAM)),
    "program_called_a_text": lambda: make_zip(ZipEntry("notes.txt", PROGRAM)),
    "program_called_a_document": lambda: make_zip(ZipEntry("report.pdf", PROGRAM)),
    "program_double_extension": lambda: make_zip(ZipEntry("report.pdf.exe", PROGRAM)),
    "program_extension_after_spaces": lambda: make_zip(ZipEntry("report.pdf" + " " * 60 + ".scr", PROGRAM)),
    "program_bidi": lambda: make_zip(ZipEntry("report\u202efdp.exe", PROGRAM, flags=UTF8)),
    "program_linux": lambda: make_zip(ZipEntry("x", b"\x7fELF\x02\x01\x01" + bytes(60))),
    "program_shortcut": lambda: make_zip(ZipEntry("report.lnk", b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(60))),
    "program_inside_twice": lambda: nested(make_zip(ZipEntry("a.pdf.exe", PROGRAM)), 2),
    "script": lambda: make_zip(ZipEntry("run.sh", b"#!/bin/sh\nexit\n")),
    "self_extracting_rar": lambda: make_zip(ZipEntry("setup.exe", PROGRAM + rar5(Rar5Entry("a", b"a")))),
    "self_extracting_zip": lambda: make_zip(ZipEntry("setup.exe", PROGRAM + INNER)),
    "macro_office": lambda: make_zip(ZipEntry("a.docm", office("word/vbaProject.bin", OLE_MACRO))),
    "macro_by_its_name": lambda: make_zip(ZipEntry("a.docm", office("word/vbaProject.bin", b"unknown"))),
    "macro_office_old": lambda: make_zip(ZipEntry("a.doc", OLE_MACRO)),
    "container_7z": lambda: make_zip(ZipEntry("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(40))),
    "type_differs": lambda: make_zip(ZipEntry("a.pdf", b"not a PDF\n")),
    # --- what identifies the source
    "owner": lambda: named("a.txt", extra=extra(0x7875, b"\x01\x04\xe8\x03\x00\x00\x04\xe8\x03\x00\x00")),
    "owner_root": lambda: named("a.txt", extra=extra(0x7875, b"\x01\x04" + bytes(4) + b"\x04" + bytes(4))),
    "owner_old": lambda: named("a.txt", extra=extra(0x7855, b"\xe8\x03\xe8\x03")),
    "exact_time": lambda: named("a.txt", extra=extra(0x5455, b"\x01" + struct.pack("<I", 1_767_225_601))),
    "exact_time_old": lambda: named("a.txt", extra=extra(0x5855, bytes(8))),
    "exact_time_ntfs": lambda: named("a.txt", extra=extra(0x000A, bytes(4) + b"\x01\x00\x18\x00" + bytes(24))),
    "user_name_mac": lambda: named("Users/somebody/Desktop/a.txt"),
    "user_name_linux": lambda: named("home/somebody/a.txt"),
    "user_name_windows": lambda: named("C:\\Users\\somebody\\a.txt", made_by=DOS),
    "mac_resource_fork": lambda: make_zip(HELLO, ZipEntry("__MACOSX/._hello.txt", b"\x00\x05\x16\x07" + bytes(40))),
    "mac_folder_view": lambda: make_zip(HELLO, ZipEntry(".DS_Store", b"\x00\x00\x00\x01Bud1" + bytes(40))),
    "office_author": lambda: make_zip(ZipEntry("a.docx", office("docProps/core.xml", AUTHOR))),
    "office_without_author": lambda: make_zip(
        ZipEntry("a.docx", office("docProps/core.xml", b"<dc:creator></dc:creator>"))
    ),
}
