"""`enveis transfer`: batches on a stick or a one-way link, and acknowledgement words that let the low side delete."""

from enveis.command import Command
from enveis.commands import diode, transfer_answer, transfer_export, transfer_import, transfer_status

COMMANDS: tuple[Command, ...] = (
    *transfer_export.COMMANDS,
    *transfer_import.COMMANDS,
    *transfer_answer.COMMANDS,
    *diode.COMMANDS,
    *transfer_status.COMMANDS,
)
