"""What one submission may contain: the numbers of the settings, or the larger ones that the desk granted to a case."""

from dataclasses import dataclass

from gateway.form import BESIDE_TEXT_MAX, FIELDS_MAX
from quarantine.file_types import FileType


@dataclass(frozen=True, slots=True)
class Limits:
    """What one submission may contain."""

    files_max: int
    file_max_bytes: int
    message_max_bytes: int
    allowed: frozenset[FileType]
    tables: bool = False  # whether a .csv counts as text: the template of a big case is filled in as one

    @property
    def fields_max_bytes(self) -> int:
        """Bytes of all fields of one submission, names too, whatever they are."""
        return self.message_max_bytes + BESIDE_TEXT_MAX

    @property
    def body_max(self) -> int:
        """Bytes of a request body beyond which it cannot be within the limits."""
        framing = 1024 * (FIELDS_MAX + self.files_max)
        return self.files_max * self.file_max_bytes + self.fields_max_bytes + framing

    @property
    def typed_max(self) -> int:
        """Bytes of an url-encoded body, which has no files, beyond which it cannot be within the limits."""
        # Three bytes for one at most: %20.
        return 3 * self.fields_max_bytes
