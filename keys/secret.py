"""A secret that opens age files, handed in by whoever has the right to it. Reads no file and has no text form.

The desk's own is `keys.identity.Identity`, which the low side never loads. The low side has this much because a source
who comes back types return words, which lead to one such secret: for replies and nothing else.
"""

from dataclasses import dataclass, field
from typing import assert_never

from keys.age.header import Stanza
from keys.age.wrap import unwrap_hybrid, unwrap_x25519
from keys.recipient import KeyKind, Recipient


@dataclass(frozen=True, slots=True)
class SecretKey:
    """The private half of a recipient: 32 bytes, an X25519 scalar or the seed of a hybrid key."""

    kind: KeyKind
    secret: bytes = field(repr=False)

    @property
    def recipient(self) -> Recipient:
        """The public half."""
        return Recipient.from_secret(self.kind, self.secret)

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key when `stanza` was made for this secret."""
        match self.kind:
            case KeyKind.CLASSIC:
                return unwrap_x25519(stanza, self.secret)
            case KeyKind.HYBRID:
                return unwrap_hybrid(stanza, self.secret)
            case _:
                assert_never(self.kind)
