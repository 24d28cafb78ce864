"""BLAKE2sp, the sum that RAR 5 may carry instead of a CRC: eight BLAKE2s leaves below one root.

Source: https://www.blake2.net/blake2.pdf, section 2.10, and the parameters of the reference code.
"""

import hashlib
from typing import Final

_LEAVES: Final = 8
_BLOCK: Final = 64  # bytes; leaf i takes every eighth block, beginning with block i
_STRIPE: Final = _LEAVES * _BLOCK


class Blake2sp:
    """Sum of a stream; `digest` may be called once, at its end."""

    def __init__(self) -> None:
        # BLAKE2s marks the last node of each level: leaf 7, and the root.
        self._leaves = [
            hashlib.blake2s(fanout=_LEAVES, depth=2, inner_size=32, node_offset=leaf, last_node=leaf == _LEAVES - 1)
            for leaf in range(_LEAVES)
        ]
        self._pending = b""

    def update(self, plaintext: bytes) -> None:
        """Add the next bytes; how they are split does not matter."""
        view = memoryview(self._pending + plaintext)
        whole = len(view) - len(view) % _STRIPE
        for number, leaf in enumerate(self._leaves):
            first = number * _BLOCK
            leaf.update(b"".join(view[at : at + _BLOCK] for at in range(first, whole, _STRIPE)))
        self._pending = bytes(view[whole:])

    def digest(self) -> bytes:
        """32 bytes."""
        for number, leaf in enumerate(self._leaves):
            leaf.update(self._pending[number * _BLOCK : (number + 1) * _BLOCK])
        root = hashlib.blake2s(fanout=_LEAVES, depth=2, inner_size=32, node_depth=1, last_node=True)
        for leaf in self._leaves:
            root.update(leaf.digest())
        return root.digest()
