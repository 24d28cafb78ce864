"""Which files of a packet stay locked until a person decides (FORMAT.md, 4.4), and why one that is called clear does.

A gateway that is owned, or has a fault, may contradict itself: then the graver half counts.

Invariant D1.
"""

from typing import Final

from transfer.names import Lane
from transfer.packet.manifest import FileNote, Manifest, Outcome

# Every other grade holds a file, one that this desk does not know included.
_HARMLESS: Final = frozenset({"info", "identifies-you", "warning"})


def is_locked(note: FileNote) -> bool:
    """Return whether a file is written only if a person asks for it."""
    return note.outcome is not Outcome.CLEAR or bool(contradiction_in(note))


def contradiction_in(note: FileNote) -> str:
    """Return a sentence on how the note of a file contradicts itself; empty if it does not."""
    if note.outcome is not Outcome.CLEAR:
        return ""
    grave = sorted({finding.grade for finding in note.findings} - _HARMLESS)
    if grave:
        return f"{note.member} is called clear, but has a finding of grade {grave[0]}: it stays locked."
    if note.reason:
        return f"{note.member} is called clear, but has a reason for being undecided ({note.reason}): it stays locked."
    return ""


def contradictions_in(manifest: Manifest) -> tuple[str, ...]:
    """Return a sentence for each contradiction within a packet's manifest."""
    found = [sentence for note in manifest.files if (sentence := contradiction_in(note))]
    if manifest.lane is Lane.CLEAR and any(note.outcome is not Outcome.CLEAR for note in manifest.files):
        found.append("It was sealed for the lane clear, but not all of its files are called clear.")
    return tuple(found)
