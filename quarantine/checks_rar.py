"""The check of RAR archives."""

from typing import BinaryIO

from quarantine.budgets import Budgets
from quarantine.examination import Examination
from quarantine.rar_listing import list_rar


def examine(stream: BinaryIO, budgets: Budgets) -> Examination:
    """See quarantine.examine."""
    return list_rar(stream, budgets)
