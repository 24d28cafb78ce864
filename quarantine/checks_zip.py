"""The check of ZIP archives."""

from typing import BinaryIO

from quarantine.budgets import Budgets
from quarantine.examination import Examination
from quarantine.zip_listing import look_into_zip


def examine(stream: BinaryIO, budgets: Budgets) -> Examination:
    """See quarantine.examine."""
    return look_into_zip(stream, budgets)
