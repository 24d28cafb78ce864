"""The base of what can be wrong with keys, words, signatures and sealed files."""

from disk.expected import ExpectedError


class KeyMaterialError(ExpectedError):
    """Something handed in as a key, words, a signature or an age file is not usable; one sentence says why."""
