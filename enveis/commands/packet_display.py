"""What is proven of a packet, in words: whether it belongs to the case that it names, or only claims to."""

from typing import TYPE_CHECKING, assert_never

from enveis.terminal import Terminal

if TYPE_CHECKING:
    from desk.arrival.case_links import Standing
    from transfer.packet.manifest import Manifest


def standing_as_json(standing: "Standing") -> dict[str, str]:
    """Return what is proven of a packet, for a program."""
    from desk.arrival.case_links import Begins, BelongsTo, Claims

    match standing:
        case Begins():
            return {"is": "first"}
        case BelongsTo(first):
            return {"is": "belongs", "to": first}
        case Claims(reason):
            return {"is": "claims", "reason": reason}
        case _:
            assert_never(standing)


def show_standing(terminal: Terminal, manifest: "Manifest", standing: "Standing") -> None:
    """Print what a packet is for, and whether it is proven to belong to what it names."""
    from desk.arrival.case_links import Begins, BelongsTo, Claims
    from transfer.packet.manifest import Purpose

    wish = {
        Purpose.FIRST: "begins a case",
        Purpose.ADDITION: "adds to a case",
        Purpose.DELETE_REPLIES: "asks that the replies to its case be deleted",
        Purpose.WITHDRAW: f"asks that packet {manifest.withdraws} be deleted",
    }[manifest.purpose]
    match standing:
        case Begins():
            pass
        case BelongsTo(first):
            how = "its token fits" if manifest.purpose is Purpose.WITHDRAW else "it is signed with that case's key"
            terminal.say(f"  This packet {wish}. It BELONGS TO packet {first}: {how}.")
        case Claims(reason):
            terminal.warn(f"This packet {wish}, but only CLAIMS TO BELONG: {reason}. Do not join it unseen.")
        case _:
            assert_never(standing)
