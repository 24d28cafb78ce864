"""One RAR 5 for each trick, named for it; what must be found stands in tests/vectors/quarantine/rar.toml."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.builders.rar5 import (
    ENCRYPTION,
    END,
    HAS_CRC,
    HAS_NUMBER,
    IS_FOLDER,
    IS_SOLID,
    IS_VOLUME,
    MAGIC,
    MAIN,
    SERVICE,
    SPLIT_AFTER,
    SPLIT_BEFORE,
    UNKNOWN_SIZE,
    Rar5Entry,
    encrypted_headers,
    encryption,
    file_block,
    header,
    locator,
    owner_group,
    owner_numbers,
    owner_record,
    quick_open,
    rar5,
    record,
    symlink,
    time_record,
    version_record,
    vint,
)

HELLO: Final = Rar5Entry("hello.txt", b"hello")
TWO: Final = rar5(HELLO, replace(HELLO, name="b.txt"))
NORMAL, DICTIONARY_256M, DICTIONARY_4G = 3 << 7, 11 << 10, 15 << 10
HAS_RECOVERY: Final = 0x08
START: Final = MAGIC + header(MAIN, vint(0))
ENDING: Final = header(END, vint(0))
LONG_TWO: Final = b"\x82" + b"\x80" * 9 + b"\x00"  # the number 2, in eleven bytes
IS_SOLID_MEMBER: Final = 0x40


def named(name: str) -> bytes:
    return rar5(replace(HELLO, name=name))


def with_quick_open(copy: bytes) -> bytes:
    return quick_open(START + file_block(HELLO), {len(START): copy}) + header(END, vint(0))


def header_of(entry: Rar5Entry) -> bytes:
    return file_block(entry)[: -len(entry.data)]


def summed(fields: bytes, *, size: bytes | None = None) -> bytes:
    """A header with a right sum, whatever is in it."""
    sized = (vint(len(fields)) if size is None else size) + fields
    return zlib.crc32(sized).to_bytes(4, "little") + sized


def with_locator(flags: int) -> bytes:
    """One distance only: to the recovery block (2), or to the quick open block (1)."""
    name = "RR" if flags == 2 else "QO"
    before = len(rar5(HELLO, main_extra=record(1, vint(flags) + vint(90)))) - len(header(END, vint(0))) - len(MAGIC)
    return rar5(HELLO, Rar5Entry(name, b"", kind=SERVICE), main_extra=record(1, vint(flags) + vint(before)))


BUILDERS: Final[dict[str, Callable[[], bytes]]] = {
    "plain": lambda: TWO,
    "folder": lambda: rar5(Rar5Entry("folder", file_flags=IS_FOLDER), HELLO),
    # --- encryption, volumes, methods
    "member_encrypted": lambda: rar5(HELLO, Rar5Entry("b", b"x" * 16, extra=encryption())),
    "headers_encrypted": encrypted_headers,
    "volume": lambda: rar5(HELLO, main_flags=IS_VOLUME),
    "volume_goes_on": lambda: START + file_block(HELLO) + header(END, vint(1)),
    "member_goes_on": lambda: rar5(replace(HELLO, header_flags=SPLIT_AFTER)),
    "member_goes_on_from_before": lambda: rar5(replace(HELLO, header_flags=SPLIT_BEFORE)),
    "method_rar7": lambda: rar5(replace(HELLO, compression=1 | NORMAL)),
    "method_unknown": lambda: rar5(replace(HELLO, compression=7 << 7)),
    "size_unknown": lambda: rar5(replace(HELLO, file_flags=HAS_CRC | UNKNOWN_SIZE)),
    "dictionary_256M": lambda: rar5(replace(HELLO, compression=NORMAL | DICTIONARY_256M)),
    "dictionary_4G": lambda: rar5(replace(HELLO, compression=NORMAL | DICTIONARY_4G)),
    "solid": lambda: rar5(HELLO, main_flags=IS_SOLID),
    "solid_member": lambda: rar5(replace(HELLO, compression=IS_SOLID_MEMBER | NORMAL)),
    "volume_number_only": lambda: MAGIC + header(MAIN, vint(HAS_NUMBER) + vint(1)) + TWO[len(START) :],
    "headers_encrypted_extra_damaged": lambda: MAGIC + header(ENCRYPTION, bytes(19), extra=vint(90)) + bytes(64),
    # --- damage, and bytes of nobody
    "number_of_eleven_bytes": lambda: START + summed(LONG_TWO + header_of(HELLO)[6:]) + b"hello" + ENDING,
    "size_of_four_bytes": lambda: START + summed(ENDING[5:], size=b"\x83\x80\x80\x00"),
    "record_cut_by_three": lambda: rar5(Rar5Entry("link", extra=record(5, bytes(2) + vint(9) + b"a.text"))),
    "extra_larger_than_header": lambda: START + summed(vint(2) + vint(1) + vint(99) + bytes(9)) + ENDING,
    "folder_with_content": lambda: rar5(Rar5Entry("folder", b"x" * 50, file_flags=IS_FOLDER | HAS_CRC)),
    "sum_of_another_kind": lambda: rar5(replace(HELLO, file_flags=0, extra=record(2, vint(1) + bytes(32)))),
    "windows_attributes": lambda: rar5(replace(HELLO, attributes=0x2020, system=0)),
    "sum_missing": lambda: rar5(replace(HELLO, file_flags=0)),
    "stored_size_smaller": lambda: rar5(replace(HELLO, size=3)),
    "stored_size_larger": lambda: rar5(replace(HELLO, size=3000)),
    "claims_a_tebibyte": lambda: rar5(replace(HELLO, size=2**40, compression=NORMAL)),
    "cut_in_member": lambda: TWO[: len(TWO) // 2],
    "cut_in_end": lambda: TWO[:-3],
    "end_missing": lambda: START + file_block(HELLO),
    "header_sum_wrong": lambda: TWO[:-6] + b"\x00" + TWO[-5:],
    "header_too_large": lambda: START + bytes(4) + vint(2**22) + bytes(99),
    "attributes_of_64_bits": lambda: rar5(replace(HELLO, attributes=0xFFFF_FFFF_0000_81A4)),
    "header_of_no_size": lambda: START + bytes(99),
    "number_too_long": lambda: START + header(2, b"\xff" * 12),
    "block_unknown": lambda: START + header(9, b"") + TWO[len(START) :],
    "main_missing": lambda: MAGIC + TWO[len(START) :],
    "main_twice": lambda: START + TWO[len(MAGIC) :],
    "record_cut": lambda: rar5(replace(HELLO, extra=vint(90) + b"x")),
    "only_magic": lambda: MAGIC,
    "trailing_data": lambda: rar5(HELLO, suffix=b"hidden"),
    "trailing_zeros": lambda: rar5(HELLO, suffix=bytes(512)),
    "trailing_archive": lambda: rar5(HELLO) + TWO,
    # --- services
    "stream_beside_file": lambda: rar5(HELLO, Rar5Entry("STM", b"x", kind=SERVICE)),
    "comment": lambda: rar5(Rar5Entry("CMT", b"a comment", kind=SERVICE), HELLO),
    "access_list": lambda: rar5(HELLO, Rar5Entry("ACL", b"x" * 20, kind=SERVICE)),
    "recovery": lambda: rar5(HELLO, Rar5Entry("RR", b"x" * 20, kind=SERVICE), main_flags=HAS_RECOVERY),
    "recovery_without_flag": lambda: rar5(HELLO, Rar5Entry("RR", b"x" * 20, kind=SERVICE)),
    "quick_open_honest": lambda: with_quick_open(header_of(HELLO)),
    "quick_open_other_name": lambda: with_quick_open(header_of(replace(HELLO, name="other.txt"))),
    "quick_open_other_place": lambda: (
        quick_open(START + file_block(HELLO), {3: header_of(HELLO)}) + header(END, vint(0))
    ),
    "quick_open_garbage": lambda: rar5(HELLO, Rar5Entry("QO", b"garbage" * 9, kind=SERVICE)),
    "locator_points_nowhere": lambda: rar5(HELLO, main_extra=locator(quick_open=7)),
    "locator_recovery_nowhere": lambda: rar5(HELLO, main_extra=locator(recovery=1 << 40)),
    "service_unknown": lambda: rar5(HELLO, Rar5Entry("ZZ", b"x" * 20, kind=SERVICE)),
    "recovery_flag_only": lambda: rar5(HELLO, main_flags=HAS_RECOVERY),
    "main_record_unknown": lambda: rar5(HELLO, main_extra=record(2, vint(3) + vint(7) + vint(7))),
    "locator_of_recovery_only": lambda: with_locator(2),
    "locator_of_quick_open_only": lambda: with_locator(1),
    # --- names and links
    "path_traversal": lambda: named("../../x.txt"),
    "path_absolute": lambda: named("/etc/passwd"),
    "path_drive": lambda: named("C:/Windows/x.txt"),
    "path_unc": lambda: named("\\\\server\\share\\x.txt"),
    "name_alternate_stream": lambda: named("report.txt:hidden"),
    "name_reserved": lambda: named("NUL"),
    "name_bidi": lambda: named("report\u202egnp.txt"),
    "name_control": lambda: named("report\x1b[2J.txt"),
    "name_zero_width": lambda: named("rep\u200bort.txt"),
    "name_not_utf8": lambda: named("\udce6.txt"),
    "name_twice": lambda: rar5(HELLO, HELLO),
    "link_inside": lambda: rar5(HELLO, Rar5Entry("link", extra=symlink("hello.txt"))),
    "link_absolute": lambda: rar5(Rar5Entry("link", extra=symlink("/etc/passwd"))),
    "link_written_through": lambda: rar5(
        Rar5Entry("link", extra=symlink("/tmp")), replace(HELLO, name="link/hello.txt")
    ),
    "device": lambda: rar5(Rar5Entry("sda", attributes=0o060660)),
    "program_double_extension": lambda: named("report.pdf.exe"),
    "program": lambda: named("tool.exe"),
    # --- what identifies the source
    "owner": lambda: rar5(replace(HELLO, extra=owner_record("somebody"))),
    "owner_group": lambda: rar5(replace(HELLO, extra=owner_group("staff"))),
    "owner_of_user_number": lambda: rar5(replace(HELLO, extra=owner_numbers(4, 1000))),
    "owner_of_group_number": lambda: rar5(replace(HELLO, extra=owner_numbers(8, 1000))),
    "owner_root_by_number": lambda: rar5(replace(HELLO, extra=owner_numbers(12, 0, 0))),
    "owner_root": lambda: rar5(replace(HELLO, extra=owner_record("root"))),
    "exact_time": lambda: rar5(replace(HELLO, extra=time_record(1_767_225_601))),
    "earlier_version": lambda: rar5(replace(HELLO, extra=version_record(1)), HELLO),
    "user_name": lambda: named("home/somebody/a.txt"),
    "mac_folder_view": lambda: named(".DS_Store"),
    # --- bombs
    "bomb_11000_members": lambda: rar5(*[Rar5Entry(str(number), b"x") for number in range(11_000)]),
    "bomb_50000_folders": lambda: rar5(*[Rar5Entry(str(number), file_flags=IS_FOLDER) for number in range(50_000)]),
}
