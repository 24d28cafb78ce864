"""A form that comes twice is done once; a form that comes with anything else in it is done again. Invariant G27."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.submission.repeats import Earlier, Mark, Memory, Repeats, Sent, new_form_token
from tests.worlds.waiting import until

DAY = Earlier(date(2026, 11, 30))
TOKENS = [new_form_token() for _ in range(2)]
SENT = st.recursive(st.text(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=8)
LONG = 10**6  # seconds: a wait that never ends by itself


def _forever() -> Repeats:
    return Repeats(wait=LONG)


@given(SENT, SENT)
def test_two_forms_have_one_mark_only_when_everything_in_them_is_the_same(one: Sent, other: Sent) -> None:
    repeats = _forever()
    (token, another) = TOKENS
    assert (repeats.mark(token, "p", one) == repeats.mark(token, "p", other)) == (one == other)
    assert repeats.mark(token, "p", one) != repeats.mark(another, "p", one)
    assert repeats.mark(token, "p", one) != repeats.mark(token, "q", one)


def test_a_mark_says_nothing_to_another_process() -> None:
    assert _forever().mark(TOKENS[0], "p", "text") != _forever().mark(TOKENS[0], "p", "text")


def test_tokens_are_128_bits_and_never_the_same() -> None:
    tokens = {new_form_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(bytes.fromhex(token)) for token in tokens} == {16}


@pytest.mark.parametrize("token", ["", "0", "x" * 32, "A" * 32, "0" * 33, "0" * 31, "0" * 32 + "\n", "٠" * 32])
async def test_what_has_no_token_of_ours_is_done_each_time(token: str) -> None:
    repeats = _forever()
    for _ in range(2):
        mark = repeats.mark(token, "p", "text")
        assert mark is None
        async with repeats.attempt(mark) as attempt:
            assert attempt.earlier is None
            attempt.remember(DAY)


def test_the_memory_is_bounded_and_forgets() -> None:
    memory = Memory(most=10)
    marks = [Mark(secrets.token_bytes(32)) for _ in range(100)]
    for mark in marks:
        memory.put(mark, DAY)
        assert len(memory) <= 20
        assert memory.get(mark) is DAY
    assert all(memory.get(mark) for mark in marks[-10:])
    memory.turn()
    assert memory.get(marks[-1]) is DAY
    memory.turn()
    assert len(memory) == 0


async def test_it_forgets_while_nobody_sends_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.submission.repeats.HALF_LIFE", 0.001)
    memory = Memory()
    memory.put(Mark(b"x"), DAY)
    watching = asyncio.create_task(Repeats(wait=LONG, memory=memory).watch())
    await until(lambda: not len(memory))
    watching.cancel()


async def test_after_too_long_a_wait_it_is_done_as_if_it_were_the_first() -> None:
    repeats = Repeats(wait=0.001)
    mark = repeats.mark(TOKENS[0], "p", "text")
    async with repeats.attempt(mark) as hanging:
        async with repeats.attempt(mark) as second:
            assert second.earlier is None
        hanging.remember(DAY)
    async with repeats.attempt(mark) as third:
        assert third.earlier is DAY


@dataclass(eq=False)
class _Sending:
    """One sending of a form, which ends when it is told to: received, failed, or cut off."""

    mark: Mark
    end: "asyncio.Future[bool]"
    task: "asyncio.Task[None] | None" = None
    earlier: list[Earlier | None] = field(default_factory=list)  # what it was told, once it came to its turn

    @property
    def is_working(self) -> bool:
        return self.task is not None and not self.task.done() and self.earlier == [None]


class Sequences(RuleBasedStateMachine):
    """Two forms and three texts, sent in any order and any number of times at once, received, failed and cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.loop = self.runner.get_loop()
        self.memory = Memory(most=100)
        self.repeats = Repeats(wait=LONG, memory=self.memory)
        self.sendings: list[_Sending] = []
        self.received: dict[Mark, int] = {}  # by mark, how many turns ago it was last received

    def teardown(self) -> None:
        # No order of events leaves somebody waiting for ever.
        while open_ones := [sending for sending in self.sendings if sending.task and not sending.task.done()]:
            working = [sending for sending in open_ones if sending.is_working]
            assert working, "everybody waits for somebody else"
            self._end(working[0], lambda sending: sending.end.set_result(False))
        self.runner.close()

    @rule(token=st.sampled_from(TOKENS), text=st.sampled_from(["a", "b", "c"]))
    def send(self, token: str, text: str) -> None:
        mark = self.repeats.mark(token, "p", text)
        assert mark is not None
        sending = _Sending(mark, self.loop.create_future())
        sending.task = self.loop.create_task(self._work(sending))
        self.sendings.append(sending)
        self._run()
        others = [other for other in self.sendings if other.mark == mark and other is not sending]
        if any(other.is_working for other in others):
            assert sending.earlier == []  # waits
        else:
            assert sending.earlier == [DAY if self.received.get(mark, 2) < 2 else None]

    async def _work(self, sending: _Sending) -> None:
        async with self.repeats.attempt(sending.mark) as attempt:
            sending.earlier.append(attempt.earlier)
            if attempt.earlier is None and await sending.end:
                attempt.remember(DAY)

    @precondition(lambda self: any(sending.is_working for sending in self.sendings))
    @rule(data=st.data(), received=st.booleans())
    def one_ends(self, data: st.DataObject, received: bool) -> None:
        working = data.draw(st.sampled_from([sending for sending in self.sendings if sending.is_working]))
        if received:
            self.received[working.mark] = 0
        self._end(working, lambda sending: sending.end.set_result(received))

    @precondition(lambda self: any(sending.task and not sending.task.done() for sending in self.sendings))
    @rule(data=st.data())
    def one_is_cut_off(self, data: st.DataObject) -> None:
        still = [sending for sending in self.sendings if sending.task and not sending.task.done()]
        self._end(data.draw(st.sampled_from(still)), lambda sending: sending.task and sending.task.cancel())

    @rule()
    def time_passes(self) -> None:
        self.memory.turn()
        self.received = {mark: turns + 1 for mark, turns in self.received.items()}

    @invariant()
    def each_form_is_worked_on_once_at_a_time(self) -> None:
        working = [sending.mark for sending in self.sendings if sending.is_working]
        assert len(working) == len(set(working))

    @invariant()
    def who_waits_waits_for_somebody(self) -> None:
        working = {sending.mark for sending in self.sendings if sending.is_working}
        waiting = {s.mark for s in self.sendings if s.task and not s.task.done() and not s.earlier}
        assert waiting <= working

    def _end(self, sending: _Sending, how: Callable[[_Sending], object]) -> None:
        how(sending)
        self._run()

    def _run(self) -> None:
        async def steps() -> None:
            for _ in range(20):
                await asyncio.sleep(0)

        self.runner.run(steps())


TestSequences = Sequences.TestCase
TestSequences.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
