"""The seccomp programs, instruction by instruction, on every machine that has one; and what the parts refuse.

Invariant Q1.
"""

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from quarantine.budgets import Budgets
from quarantine.cage import landlock, layers, seccomp
from quarantine.cage.layers import Cage, Layer
from quarantine.file_types import FileType
from quarantine.workers.protocol import (
    Hello,
    Request,
    encode_cage,
    encode_hello,
    encode_request,
    parse_cage,
    parse_hello,
)
from quarantine.workers.protocol import parse_request as parse

KILL, ALLOW, EPERM, ENOSYS = 0x80000000, 0x7FFF0000, 0x00050001, 0x00050026
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
HEADERS = {
    "x86_64": (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), re.compile(r"#define __NR_(\w+)\s+(\d+)")),
    "aarch64": (Path("/usr/include/asm-generic/unistd.h"), re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)")),
}


@pytest.fixture(params=ARCHITECTURES)
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("quarantine.cage.seccomp.os.uname", lambda: SimpleNamespace(machine=request.param))
    seccomp.worker_filter.cache_clear()
    yield request.param
    seccomp.worker_filter.cache_clear()


def run(program: bytes, number: int, *arguments: int, architecture: int) -> int:
    """Judge one system call, as the kernel would: classic BPF of five kinds of instruction."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("=HBBI", program))
    at = value = 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        if code == 0x06:
            return int(constant)
        if code == 0x20:
            value = struct.unpack_from("=I", data, constant)[0]
            continue
        met = {0x15: value == constant, 0x35: value >= constant, 0x45: bool(value & constant)}[code]
        at += if_true if met else if_false


def number_of(name: str, machine: str) -> int:
    tables = {**seccomp._WORKER, **seccomp._WORKER_REFUSED, **seccomp._MAPPING, **seccomp._FOREIGN_REFUSED}
    tables |= {"write": seccomp._WRITE, "clone": seccomp._CLONE, "clone3": seccomp._CLONE3, "tgkill": seccomp._TGKILL}
    return tables[name][0 if machine == "x86_64" else 1]


def test_a_worker_may_call_what_is_listed_and_nothing_else(machine: str) -> None:
    program = seccomp.worker_filter()
    of = ARCHITECTURES[machine]
    allowed = {number for number in range(1000) if run(program, number, architecture=of) == ALLOW}
    refused = {number for number in range(1000) if run(program, number, architecture=of) == EPERM}
    assert allowed == {number_of(name, machine) for name in [*seccomp._WORKER, *seccomp._MAPPING]}
    assert refused == {number_of(name, machine) for name in seccomp._WORKER_REFUSED}
    rest = set(range(1000)) - allowed - refused
    assert {run(program, number, architecture=of) for number in rest} == {KILL}


def test_a_worker_writes_to_one_descriptor_and_makes_no_code(machine: str) -> None:
    program, of = seccomp.worker_filter(), ARCHITECTURES[machine]
    for descriptor in (0, 1, 2, 3, 2**31):
        action = run(program, number_of("write", machine), descriptor, 0, 5, architecture=of)
        assert action == (ALLOW if descriptor == 1 else KILL)
    for call in ("mmap", "mprotect"):
        for protection in range(8):
            action = run(program, number_of(call, machine), 0, 4096, protection, architecture=of)
            assert action == (KILL if protection & 4 else ALLOW)


def test_other_call_tables_are_closed(machine: str) -> None:
    for program in (seccomp.worker_filter(), seccomp.foreign_filter(7)):
        for number in (0, 1, 3, 63, 64, 231):
            assert run(program, number, 1, architecture=0x40000003) == KILL  # 32-bit x86
            assert run(program, number | 0x40000000, 1, architecture=ARCHITECTURES[machine]) == KILL  # x32


def test_a_foreign_program_gets_no_socket_no_process_and_nobody_to_signal(machine: str) -> None:
    program, of = seccomp.foreign_filter(77), ARCHITECTURES[machine]
    for name, numbers in seccomp._FOREIGN_REFUSED.items():
        if numbers[0 if machine == "x86_64" else 1] >= 0:
            assert run(program, number_of(name, machine), architecture=of) == EPERM, name
    assert run(program, number_of("clone", machine), 0x11, architecture=of) == EPERM
    assert run(program, number_of("clone", machine), 0x10F00, architecture=of) == ALLOW  # a thread
    assert run(program, number_of("clone3", machine), architecture=of) == ENOSYS
    assert run(program, number_of("tgkill", machine), 77, 77, 6, architecture=of) == ALLOW
    assert run(program, number_of("tgkill", machine), 78, 78, 6, architecture=of) == EPERM
    assert run(program, number_of("read", machine), architecture=of) == ALLOW


@pytest.mark.parametrize("name", HEADERS)
def test_the_numbers_are_those_of_the_kernels_headers(name: str) -> None:
    path, form = HEADERS[name]
    if not path.exists():
        pytest.skip("the kernel's headers are not installed")
    found = {call: int(number) for call, number in form.findall(path.read_text())}
    found.setdefault("newfstatat", found.get("fstatat", -1))
    tables = [seccomp._WORKER, seccomp._WORKER_REFUSED, seccomp._MAPPING, seccomp._FOREIGN_REFUSED]
    for table in tables:
        for call in table:
            assert number_of(call, name) == found.get(call, -1), call


def test_an_unknown_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarantine.cage.seccomp.os.uname", lambda: SimpleNamespace(machine="riscv64"))
    assert Layer.SECCOMP in layers.missing_layers()
    with pytest.raises(OSError, match="no seccomp filter"):
        seccomp.foreign_filter(1)


@pytest.mark.parametrize("abi", [0, 1])
def test_a_landlock_that_is_too_old_counts_as_missing(abi: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="Landlock is needed"):
        landlock.restrict(abi=abi)
    monkeypatch.setattr(landlock, "landlock_abi", lambda: abi)
    assert Layer.LANDLOCK in layers.missing_layers()


def test_this_kernel_lacks_nothing() -> None:
    assert layers.missing_layers() == ()
    assert Cage(landlock_abi=2).abi == 2
    assert Cage(landlock_abi=999).abi == landlock.landlock_abi()


def test_what_is_sent_is_what_arrives() -> None:
    for sent in (
        Request(3, Budgets(), file_type=FileType.PDF),
        Request(3, Budgets(depth=9), place=(0, 4)),
        Request(3, Budgets(), attack="open", target=os.devnull),
    ):
        assert parse(encode_request(sent)) == sent
    for wanted in (Cage(), Cage(frozenset({Layer.LANDLOCK, Layer.SEALS}), 2)):
        assert parse_cage(encode_cage(wanted)) == wanted
    hello = Hello(7, namespaces=True)
    assert parse_hello(encode_hello(hello)) == hello
