"""Recognises a form that is sent a second time, unchanged: by a reload, a second tap, a browser that tries again.

Every form carries a token of its own. What was received under it is remembered as one keyed digest over the token and
all that was sent, so a form from a browser's history, which has its old token and a new text, is never taken for the
old one. In memory only, without a time, an address or a word; a restart forgets all of it, and then a reload makes a
second packet. Several gateway processes on one port do not know each other's (ADR 0045).
"""

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NewType

TOKEN_BYTES: Final = 16
HALF_LIFE: Final = 15 * 60.0  # seconds; remembered for one to two of these: reloads come within minutes
REMEMBERED_MAX: Final = 10_000  # answers in each half of the memory, of some 200 bytes: 4 MB at most
_TOKEN: Final = re.compile(rf"[0-9a-f]{{{2 * TOKEN_BYTES}}}", re.ASCII)
_MARK_BYTES: Final = 32

Mark = NewType("Mark", bytes)
Sent = str | bytes | Sequence["Sent"]  # texts and bytes, and lists of them, as deep as needed


def new_form_token() -> str:
    """Return the token of one form: 32 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was answered the first time, as far as it may be said again."""

    day: date  # UTC
    outcome: str = ""  # of a request that can end in several ways


class Memory:
    """Answers by their mark: the newest ones, no more than twice `most`. `turn` forgets those before the last turn."""

    def __init__(self, most: int = REMEMBERED_MAX) -> None:
        self._most = most
        self._new: dict[Mark, Earlier] = {}
        self._old: dict[Mark, Earlier] = {}

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def get(self, mark: Mark) -> Earlier | None:
        """Return what was answered, or None."""
        return self._new.get(mark) or self._old.get(mark)

    def put(self, mark: Mark, earlier: Earlier) -> None:
        """Remember an answer. Where there are too many, the older half is forgotten."""
        if len(self._new) >= self._most:
            self.turn()
        self._new[mark] = earlier

    def turn(self) -> None:
        """Forget what was remembered before the last turn."""
        self._old, self._new = self._new, {}


class Attempt:
    """One sending of a form. `earlier` is the answer where it is a repeat, and then nothing is to be done.

    `unseen` is what an attempt before it handed over: that is done, and here is who may see the answer.
    """

    def __init__(self, earlier: Earlier | None = None, unseen: object = None) -> None:
        self.earlier = earlier
        self.unseen = unseen
        self.remembered: Earlier | None = None
        self.handed_over: object = None

    def remember(self, earlier: Earlier) -> None:
        """It was done, and this may be said if it comes again. An attempt that ends without this is forgotten."""
        self.remembered = earlier

    def hand_over(self, answer: object) -> None:
        """It was done, but its sender went away: `answer` is for the next who waits for its end, or for nobody."""
        self.handed_over = answer


@dataclass(slots=True, eq=False)
class _Form:
    """A form that is being sent, by as many as `senders`; what nobody saw goes when the last of them does."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # in the order in which they came
    senders: int = 0
    unseen: object = None


class Repeats:
    """The forms that were sent to one gateway process. For one event loop.

    Args:
        wait: Seconds that a repeat waits for an attempt that is under way; then it is received as if it were the first,
            because two packets are better than none. Longer than it takes to inspect and seal what has arrived.
    """

    def __init__(self, *, wait: float, memory: Memory | None = None) -> None:
        self._wait = wait
        self._memory = Memory() if memory is None else memory
        self._forms: dict[Mark, _Form] = {}
        self._key = secrets.token_bytes(hashlib.blake2b.MAX_KEY_SIZE)

    def mark(self, untrusted_token: str, purpose: str, sent: Sent) -> Mark | None:
        """Return what names this form with all that was `sent` in it; None where it has no token of ours."""
        if not _TOKEN.fullmatch(untrusted_token):
            return None
        hasher = hashlib.blake2b(key=self._key, digest_size=_MARK_BYTES)
        _feed(hasher, (untrusted_token, purpose, sent))
        return Mark(hasher.digest())

    @contextlib.asynccontextmanager
    async def attempt(self, mark: Mark | None) -> AsyncIterator[Attempt]:
        """Yield the attempt to do what was sent, after the end of one that is under way already."""
        if mark is None:
            yield Attempt()
            return
        form = self._forms.setdefault(mark, _Form())
        form.senders += 1
        try:
            if not await self._has_turn(form):
                yield Attempt()
                return
            try:
                attempt = Attempt(self._memory.get(mark), form.unseen)
                yield attempt
                form.unseen = attempt.handed_over
            finally:
                if attempt.remembered is not None:
                    self._memory.put(mark, attempt.remembered)
                form.turn.release()
        finally:
            form.senders -= 1
            if not form.senders:
                del self._forms[mark]

    async def watch(self) -> None:
        """Forget, also while nobody sends anything."""
        while True:
            await asyncio.sleep(HALF_LIFE)
            self._memory.turn()

    async def _has_turn(self, form: _Form) -> bool:
        """Wait until no attempt to send this form is under way; return False when that takes too long."""
        try:
            async with asyncio.timeout(self._wait):
                return await form.turn.acquire()
        except TimeoutError:
            return False


def _feed(hasher: "hashlib.blake2b", sent: Sent) -> None:
    """Hash texts, bytes and lists in an encoding that has one meaning: kind and length, then the content."""
    if isinstance(sent, str):
        encoded = sent.encode("utf-8", "surrogatepass")
        hasher.update(b"t" + len(encoded).to_bytes(8))
        hasher.update(encoded)
    elif isinstance(sent, bytes):
        hasher.update(b"b" + len(sent).to_bytes(8))
        hasher.update(sent)
    else:
        hasher.update(b"l" + len(sent).to_bytes(8))
        for each in sent:
            _feed(hasher, each)
