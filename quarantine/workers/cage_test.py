"""Tests the cage on this machine: a real worker tries each attack, and none may succeed."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from quarantine.budgets import Budgets
from quarantine.cage.attacks import ATTACKS, REACHED, REFUSED
from quarantine.errors import CageError, UndecidableError
from quarantine.file_types import FileType
from quarantine.memfd import SealedMemfd, seal_bytes_in_memory
from quarantine.workers.caged_examiner import CagedExaminer
from quarantine.workers.protocol import Request
from quarantine.workers.zygote_client import ZygoteClient

ATTACK_SECONDS: Final = 20.0
_ATTACK_CPU: Final = 5  # seconds
_SHELL: Final = "/bin/sh"


class AttackOutcome(StrEnum):
    """How an attack ended."""

    KILLED = "killed"  # by seccomp
    REFUSED = "refused"  # by the kernel, with an error
    FAILED = "failed"  # the worker ended otherwise: nothing is proven
    SUCCEEDED = "succeeded"

    @property
    def is_stopped(self) -> bool:
        """Return whether the cage stopped the attack."""
        return self in {AttackOutcome.KILLED, AttackOutcome.REFUSED}


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What one attack came to."""

    attack: str
    outcome: AttackOutcome

    @property
    def sentence(self) -> str:
        """What was attempted, for a person."""
        return ATTACKS[self.attack].sentence


def prove_cage(zygote: ZygoteClient) -> tuple[AttackResult, ...]:
    """Attack the cage of this zygote's workers from inside, in every way that we know.

    Raises:
        CageError: Workers do not even examine a harmless text: their silence would prove nothing.
    """
    zygote.start()
    with seal_bytes_in_memory(b"text\n") as memfd, open_targets() as targets:
        try:
            CagedExaminer(Budgets(), zygote).examine(memfd.fd, FileType.TXT, deadline=time.monotonic() + ATTACK_SECONDS)
        except UndecidableError as error:
            raise CageError(f"a caged worker cannot examine a harmless text: {error}") from None
        return tuple(AttackResult(name, attack(zygote, name, targets[name], memfd)) for name in ATTACKS)


def attack(zygote: ZygoteClient, name: str, target: str, memfd: SealedMemfd) -> AttackOutcome:
    """Let one worker try one attack."""
    request = Request(_ATTACK_CPU, Budgets(), attack=name, target=target)
    try:
        with zygote.worker(request, memfd.fd, deadline=time.monotonic() + ATTACK_SECONDS) as worker:
            untrusted_answer = worker.answer.read_exactly(100)
            code = worker.exit_code()
    except UndecidableError:
        return AttackOutcome.FAILED
    answer = untrusted_answer.decode("ascii", "replace").strip().strip('"')
    if answer == REACHED:
        return AttackOutcome.SUCCEEDED
    if code == -signal.SIGSYS:
        return AttackOutcome.KILLED
    return AttackOutcome.REFUSED if answer == REFUSED and code == 0 else AttackOutcome.FAILED


@contextlib.contextmanager
def open_targets() -> Iterator[dict[str, str]]:
    """Things that the attacks are aimed at; each of them could be reached from here."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="enveis-cage-")))
        file = folder / "file"
        file.write_bytes(b"not yours")
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        path, abstract = folder / "socket", f"enveis-{secrets.token_hex(8)}"
        for address in (str(path), "\0" + abstract):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
        yield dict.fromkeys(ATTACKS, "") | {
            "open": str(file),
            "create": str(folder / "new"),
            "connect-tcp": str(tcp.getsockname()[1]),
            "send-udp": str(udp.getsockname()[1]),
            "connect-unix": str(path),
            "connect-abstract": abstract,
            "exec": shutil.which("sh") or _SHELL,
            "signal": str(os.getpid()),
            "allocate": str(2 * Budgets().worker_memory),
        }
