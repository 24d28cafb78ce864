"""What sources ask, shown to whoever opens or answers a packet; the other new packets are read for it first."""

from typing import TYPE_CHECKING

from enveis.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from desk.arrival.requests import SourceRequest
    from desk.home import DeskHome
    from keys.age.reader import Unwraps


def sort_first(home: "DeskHome", identities: "Sequence[Unwraps]", terminal: Terminal) -> int:
    """Read what new packets ask, and name those that cannot be read; return how many were read."""
    from desk.arrival.sorting import sort_inbox

    with terminal.progress("reading what new packets ask", unit="packets") as progress:
        report = sort_inbox(home, identities, progress)
    for packet in report.unreadable:
        terminal.warn(
            f"Packet {packet} cannot be read, or not all of it: if it asks to withdraw another one, nobody knows."
        )
    return len(report.sorted)


def show_requests(terminal: Terminal, requests: "Sequence[SourceRequest]") -> None:
    """Print what was asked about a packet or its case, so that it cannot be overlooked."""
    for request in requests:
        terminal.warn(_sentence(request))


def requests_as_json(requests: "Sequence[SourceRequest]") -> list[dict[str, object]]:
    """Return what was asked, for a program."""
    return [
        {
            "asks": request.asks,
            "about": request.about,
            "packet": request.asked_in,
            "received": request.received.isoformat(),
            "proven": request.is_proven,
        }
        for request in requests
    ]


def _sentence(request: "SourceRequest") -> str:
    from desk.arrival.case_links import Claims
    from transfer.packet.request import Asks

    if isinstance(request.standing, Claims):
        wish = f"withdraw packet {request.about}" if request.asks is Asks.WITHDRAW else "delete the replies to its case"
        return (
            f"Packet {request.asked_in} of {request.received} asks to {wish}, but {request.standing.reason}: anybody "
            "may have sent it."
        )
    if request.asks is Asks.WITHDRAW:
        return (
            f"WITHDRAWN: on {request.received} the source took packet {request.about} back and asked that it be "
            f"deleted. If your office may do so: enveis desk erase {request.standing.first[:8]}"
        )
    return (
        f"On {request.received} the source asked that the replies to the case of packet {request.about} be deleted; "
        "the next bundle does that. They may not come back to read another one."
    )
