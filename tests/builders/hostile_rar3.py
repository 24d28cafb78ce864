"""One RAR 3 for each trick, named for it; what must be found stands in tests/vectors/quarantine/rar3.toml."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.builders.rar3 import (
    DOS,
    ENCRYPTED,
    END,
    EXACT_TIME,
    FILE_COMMENT,
    FILE_SOLID,
    FOLDER,
    HAS_COMMENT,
    HAS_PASSWORD,
    HAS_RECOVERY,
    IS_SOLID,
    IS_VOLUME,
    LARGE,
    LONG,
    MAGIC,
    OLD_AUTHENTICITY,
    OLD_COMMENT,
    OLD_RECOVERY,
    OLD_SUB,
    SALT,
    SERVICE,
    SPLIT_AFTER,
    SPLIT_BEFORE,
    UNICODE,
    VERSION,
    Rar3Entry,
    block,
    file_block,
    main_block,
    rar3,
)

HELLO: Final = Rar3Entry(b"hello.txt", b"hello")
START: Final = MAGIC + main_block()
PLAIN: Final = rar3(HELLO)
TIMES: Final = b"\x00\xb9" + bytes(3 + 4 + 1)  # three bytes for the first time, four and one for the second
UNSUMMED: Final = b"\x99" * 9


def with_file(**changes: object) -> bytes:
    return rar3(replace(HELLO, **changes))  # type: ignore[arg-type]


def service(name: bytes, data: bytes = b"x" * 20) -> bytes:
    return rar3(HELLO, Rar3Entry(name, data, kind=SERVICE))


BUILDERS: Final[dict[str, Callable[[], bytes]]] = {
    "plain": lambda: PLAIN,
    "end_missing": lambda: rar3(HELLO, end=b""),
    "large_sizes": lambda: with_file(flags=LARGE),
    "windows_attributes": lambda: with_file(system=DOS, attributes=0x6020),
    "attributes_of_a_device": lambda: with_file(attributes=0x6020),
    # --- encryption, volumes, methods
    "member_encrypted": lambda: with_file(flags=ENCRYPTED | SALT, optional=bytes(8)),
    "headers_encrypted": lambda: rar3(bytes(range(64)), flags=HAS_PASSWORD),
    "volume": lambda: rar3(HELLO, flags=IS_VOLUME),
    "volume_goes_on": lambda: rar3(HELLO, end=block(END, 0x4001)),
    "member_goes_on": lambda: with_file(flags=SPLIT_AFTER),
    "member_goes_on_from_before": lambda: with_file(flags=SPLIT_BEFORE),
    "solid": lambda: rar3(HELLO, flags=IS_SOLID),
    "solid_member": lambda: with_file(flags=FILE_SOLID, method=0x33),
    "method_unknown": lambda: with_file(method=0x36),
    "method_of_rar_1": lambda: with_file(method=0x33, version=15),
    "earlier_version": lambda: with_file(flags=VERSION),
    # --- damage, and bytes of nobody
    "header_sum_wrong": lambda: START + b"\x00\x00" + file_block(HELLO)[2:] + PLAIN[-7:],
    "header_of_no_size": lambda: START + block(END, size=0) + PLAIN[len(START) :],
    "header_of_six_bytes": lambda: START + block(END, size=6) + PLAIN[len(START) :],
    "file_header_cut": lambda: START + block(0x74, LONG, bytes(9)) + PLAIN[-7:],
    "name_longer_than_header": lambda: with_file(name_size=10),
    "cut_in_member": lambda: PLAIN[: len(START) + 43],
    "block_unknown": lambda: rar3(block(0x7F, 0, b"abc"), HELLO),
    "trailing_data": lambda: PLAIN + b"hidden",
    "trailing_archive": lambda: PLAIN + PLAIN,
    "folder": lambda: with_file(flags=FOLDER, data=b""),
    "folder_with_content": lambda: with_file(flags=FOLDER, data=b"x" * 50),
    # --- services, and the blocks of RAR 2
    "stream_beside_file": lambda: service(b"STM"),
    "service_unknown": lambda: service(b"ZZZ"),
    "service_of_os2": lambda: service(b"EA2"),
    "comment_block": lambda: service(b"CMT"),
    "recovery_block": lambda: service(b"RR"),
    "access_list": lambda: service(b"ACL"),
    "unix_owner": lambda: service(b"UOW"),
    "authenticity_block": lambda: service(b"AV"),
    "comment_flag": lambda: rar3(HELLO, flags=HAS_COMMENT),
    "recovery_flag": lambda: rar3(HELLO, flags=HAS_RECOVERY),
    "old_main_comment": lambda: MAGIC + main_block(HAS_COMMENT, behind=UNSUMMED) + PLAIN[len(START) :],
    "old_comment": lambda: rar3(block(OLD_COMMENT, 0, bytes(7) + UNSUMMED, summed=14), HELLO),
    "old_authenticity": lambda: rar3(block(OLD_AUTHENTICITY, 0, bytes(8) + UNSUMMED, summed=15), HELLO),
    "old_recovery": lambda: rar3(block(OLD_RECOVERY, 0, UNSUMMED), HELLO),
    "old_owner": lambda: rar3(HELLO, block(OLD_SUB, LONG, bytes(4) + b"\x01\x01" + UNSUMMED, summed=9)),
    "old_sub_block": lambda: rar3(HELLO, block(OLD_SUB, LONG, bytes(4) + b"\x00\x01" + UNSUMMED, summed=9)),
    "file_comment": lambda: with_file(flags=FILE_COMMENT, behind=UNSUMMED),
    "file_comment_after_salt": lambda: with_file(flags=FILE_COMMENT | SALT, optional=bytes(8), behind=UNSUMMED),
    "file_comment_after_times": lambda: with_file(flags=FILE_COMMENT | EXACT_TIME, optional=TIMES, behind=UNSUMMED),
    "exact_times": lambda: with_file(flags=EXACT_TIME, optional=b"\x00\x80"),
    # --- names and links
    "name_of_dos": lambda: with_file(name=b"r\x82sum\x82.txt"),
    "name_unicode": lambda: with_file(flags=UNICODE, name=b"a.txt\x00\x00\x54\xe5.txt"),
    "name_unicode_climbs": lambda: with_file(flags=UNICODE, name=b"a.txt\x00\x00\x00../\x00x.t\x00xt"),
    "name_utf8_damaged": lambda: with_file(flags=UNICODE, name=b"a\xff.txt"),
    "name_half_a_surrogate": lambda: with_file(flags=UNICODE, name=b"a.txt\x00\x00\x80\x00\xd8"),
    "name_copied_too_far": lambda: with_file(flags=UNICODE, name=b"a.txt\x00\x00\xc0\x7f"),
    "name_high_page": lambda: with_file(flags=UNICODE, name=b"a.txt\x00\x20\x40\x2e.txt"),
    "name_corrected": lambda: with_file(flags=UNICODE, name=b"a.txt\x00\x20\xc0\x83\x0d"),
    "link_inside": lambda: with_file(name=b"link", data=b"hello.txt", attributes=0o120777),
    "link_outside": lambda: with_file(name=b"link", data=b"/etc/passwd", attributes=0o120777),
    "link_to_folder": lambda: with_file(name=b"link", data=b"f" * 40, attributes=0o120777, flags=FOLDER),
}
