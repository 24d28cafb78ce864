"""What every command has that signs, or deletes what is too old: a check of the clock, and a way to insist."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.clock import Clock


def add_accept_clock(parser: ArgumentParser) -> None:
    """Let a person say that the clock is right although the log has a later day."""
    parser.add_argument(
        "--accept-clock",
        action="store_true",
        help="the clock is right, although this machine's own log has a line of a later day; the log records this",
    )


def check_clock(clock: "Clock", arguments: Namespace) -> None:
    """Refuse a clock that is behind its own log, unless a person accepts it.

    Raises:
        audit.clock.ClockError: Nothing was done.
    """
    if arguments.accept_clock:
        clock.accept()
    else:
        clock.demand()
