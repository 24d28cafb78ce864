"""Talks to clamd over its Unix socket: hands it a file's descriptor, and believes one exact answer only.

PING, VERSION and STATS go through the `clamd` package's connection. Scanning does not: that package would copy
the file in pieces of 1 KiB, and takes a clamd that dies for an answer. FILDES, clamd(8): the descriptor
travels as SCM_RIGHTS with one byte, and clamd reads the memory itself.
"""

import contextlib
import re
import socket
import time
from pathlib import Path
from typing import Final, Protocol

import clamd

from quarantine.errors import UndecidableError
from quarantine.findings import Code, Finding
from quarantine.verdict import Reason

REPLY_MAX: Final = 1024  # bytes; a reply is one line with the name of a signature
_CLEAN: Final = re.compile(rb"fd\[[0-9]{1,10}\]: OK\x00")
_FOUND: Final = re.compile(rb"fd\[[0-9]{1,10}\]: ([\x21-\x7e]+(?: [\x21-\x7e]+)*) FOUND\x00")


class Scanner(Protocol):
    """Looks for malware in a file."""

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        """Scan all of `fd`; None when nothing was found.

        Args:
            fd: Of a sealed memfd; its offset does not matter.
            deadline: Seconds of time.monotonic; blocks no longer.

        Raises:
            UndecidableError: No answer that can be believed.
        """


class ClamdScanner:
    """A real clamd. One connection for each scan, so any number of threads may use it."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    def is_answering(self, *, timeout: float = 5.0) -> bool:
        """Return whether clamd answers PING within `timeout` seconds."""
        try:
            return self._ask("ping", timeout) == "PONG"
        except UndecidableError:
            return False

    def version(self, *, timeout: float = 5.0) -> str:
        """Return the version of clamd and of its signatures, as clamd reports it.

        Raises:
            UndecidableError: No answer within `timeout` seconds.
        """
        return self._ask("version", timeout)

    def statistics(self, *, timeout: float = 5.0) -> str:
        """Return the queue and the memory of clamd, as it reports them; raises as `version` does."""
        return self._ask("stats", timeout)

    def shut_down(self, *, timeout: float = 5.0) -> None:
        """Make clamd end; for a clamd of our own only."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(str(self._path))
            connection.sendall(b"zSHUTDOWN\x00")
            # clamd overlooks a command whose sender has hung up: wait until it does.
            connection.recv(1)

    def scan(self, fd: int, *, deadline: float) -> Finding | None:
        """See Scanner.scan."""
        try:
            untrusted_reply = self._scan_reply(fd, deadline)
        except TimeoutError:
            raise UndecidableError(Reason.OUT_OF_TIME) from None
        except OSError:
            raise UndecidableError(Reason.SCANNER_UNAVAILABLE) from None
        return parse_reply(untrusted_reply)

    def _ask(self, command: str, timeout: float) -> str:
        connection = clamd.ClamdUnixSocket(str(self._path), timeout=timeout)
        try:
            return str(getattr(connection, command)())
        except (clamd.ClamdError, OSError, UnicodeDecodeError):
            raise UndecidableError(Reason.SCANNER_UNAVAILABLE) from None
        finally:
            # The package leaves the socket open when no clamd listens.
            if (opened := getattr(connection, "clamd_socket", None)) is not None:
                opened.close()

    def _scan_reply(self, fd: int, deadline: float) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_left(deadline))
            connection.connect(str(self._path))
            connection.sendall(b"zFILDES\x00")
            socket.send_fds(connection, [b"\x00"], [fd])
            reply = b""
            # To the end of the stream, not to the first NUL: whatever follows a good answer spoils it.
            while len(reply) <= REPLY_MAX:
                connection.settimeout(_left(deadline))
                piece = connection.recv(REPLY_MAX + 1)
                if not piece:
                    break
                reply += piece
            return reply


def parse_reply(untrusted_reply: bytes) -> Finding | None:
    """Turn clamd's whole reply into a finding, or None for a clean file.

    Raises:
        UndecidableError: Anything else, an empty reply and clamd's ERROR included.

    Invariant Q10.
    """
    if _CLEAN.fullmatch(untrusted_reply):
        return None
    found = _FOUND.fullmatch(untrusted_reply)
    if found is None:
        raise UndecidableError(Reason.SCANNER_ANSWER)
    signature = found.group(1)
    if signature.startswith(b"Heuristics.Encrypted."):
        return Finding(Code.SCANNER_ENCRYPTED)
    if signature.startswith(b"Heuristics.Limits.Exceeded"):
        return Finding(Code.SCANNER_LIMITS)
    return Finding(Code.SCANNER_MALWARE)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
