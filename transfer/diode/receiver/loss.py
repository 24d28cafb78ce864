"""How well one link is heard: sessions, sequence numbers, the share that is lost (WIRE.md, 5.4). Pure.

This decides what is new in the newest session, but nothing about objects: sessions are not signed.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

NOW_SECONDS: Final = 10  # what "now" means
PERIOD_SECONDS: Final = 300  # one step of the day's history
DAY_PERIODS: Final = 24 * 3600 // PERIOD_SECONDS
RIVALS_MAX: Final = 4  # other sessions watched at the same time

Tally = tuple[int, int]  # datagrams received, datagrams lost


@dataclass(frozen=True, slots=True)
class LossReading:
    """The figures for people: shares from 0 to 1, or None if nothing was heard at all."""

    loss_now: float | None
    loss_day: float | None
    repeated: int
    rivals: int


class LossMeter:
    """Counts the datagrams of one gateway. Only the session that started last counts; others are rivals.

    Args:
        day: The steps of the day that a predecessor closed.
        start: A session that starts before this is old: a recording, or a second sender.
        heard: The session that a predecessor heard last, and the sequence number after the last one that it heard.
    """

    def __init__(self, day: list[Tally] | None = None, *, start: int = 0, heard: tuple[int, int] = (-1, 0)) -> None:
        self._session = -1
        self._next = 0
        self._start = start - 1  # of the newest known session
        self._before = heard
        self._received = 0
        self._lost = 0
        self._seen: Tally = (0, 0)
        self._now: deque[Tally] = deque(maxlen=NOW_SECONDS)
        self._period: Tally = (0, 0)
        self._day: deque[Tally] = deque(day or [], maxlen=DAY_PERIODS)
        # The last sequence numbers of sessions that counted before, and of others.
        self._past: dict[int, int] = {heard[0]: heard[1] - 1} if heard[0] >= 0 else {}
        self._others: dict[int, int] = {}
        # Whether the last datagram of a session that does not count was new in that session.
        self.is_new_in_its_session = False
        self.repeated = 0
        self.rivals = 0

    def hear(self, session: int, sequence: int) -> bool:
        """Count one authentic datagram; return whether it is new in the current session."""
        if session == self._session:
            if sequence == self._next:
                self._next += 1
            elif sequence > self._next:
                self._lost += sequence - self._next
                self._next = sequence + 1
            else:
                self.repeated += 1
                self.is_new_in_its_session = False
                return False
            self._received += 1
            return True
        return self._hear_other(session, sequence)

    def _hear_other(self, session: int, sequence: int) -> bool:
        known = self._past if session in self._past else self._others
        self.is_new_in_its_session = sequence > known.get(session, -1)
        if not self.is_new_in_its_session:
            self.repeated += 1
            return False
        # The upper half is the time of the sender's start: it only rises.
        if session >> 32 > self._start:
            self._follow(session, sequence)
            return True
        # Still active after another session started: two senders, or a recording.
        self.rivals += 1
        if session in known or len(known) < RIVALS_MAX:
            known[session] = sequence
        return False

    def _follow(self, session: int, sequence: int) -> None:
        self._past.pop(session, None)
        if self._session >= 0:
            if len(self._past) >= RIVALS_MAX:
                del self._past[next(iter(self._past))]
            self._past[self._session] = self._next - 1
        # What was lost before, while nobody listened, is no property of the link.
        self._session, self._next, self._start = session, sequence + 1, session >> 32
        self._received += 1

    def counted(self, session: int) -> bool:
        """Return whether this session counted before the current one."""
        return session in self._past

    def newest(self) -> tuple[int, int] | None:
        """Return the session heard last and the sequence number after the last one heard, or None."""
        found = (self._session, self._next) if self._session >= 0 else self._before
        return found if found[0] >= 0 else None

    def second(self) -> None:
        """Close one second of `now`."""
        tally = (self._received - self._seen[0], self._lost - self._seen[1])
        self._seen = (self._received, self._lost)
        self._now.append(tally)
        self._period = (self._period[0] + tally[0], self._period[1] + tally[1])

    def period(self) -> None:
        """Close one step of the day."""
        self._day.append(self._period)
        self._period = (0, 0)

    def day(self) -> list[Tally]:
        """Return the steps of the day that are closed, oldest first."""
        return list(self._day)

    def reading(self) -> LossReading:
        """Return the figures of now."""
        return LossReading(_share(list(self._now)), _share([*self._day, self._period]), self.repeated, self.rivals)


def _share(tallies: list[Tally]) -> float | None:
    received, lost = sum(tally[0] for tally in tallies), sum(tally[1] for tally in tallies)
    return lost / (received + lost) if received + lost else None
