"""Which recipients count: a recipients file signed by the desk's key, with the number of its generation.

`recipients.txt` is the canonical form (a line each), `recipients.txt.minisig` a minisign signature whose trusted
comment is `enveis-recipients v1 <generation> <name>`, the name being what manifests say in `sealed_to`. A gateway never
returns to an earlier generation: that would help whoever stole the desk's old identity. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keys.errors import KeyMaterialError
from keys.recipient import Recipient, encode_recipients, parse_recipients, sealed_to
from keys.signing import SigningKey, VerifyKey

FORMAT: Final = "enveis-recipients"
VERSION: Final = 1
GENERATION_MAX: Final = 9999
_COMMENT: Final = re.compile(rf"{FORMAT} v{VERSION} ([1-9][0-9]{{0,3}}) ([0-9a-f]{{16}})", re.ASCII)


class GenerationError(KeyMaterialError):
    """A recipients file is not one that the desk's key vouches for."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Recipients that the desk's key signed, and their number: 1, and one more with each change."""

    number: int
    recipients: tuple[Recipient, ...]

    @property
    def name(self) -> str:
        """What manifests call it: 16 hexadecimal digits."""
        return sealed_to(self.recipients)


def sign_recipients(recipients: Sequence[Recipient], *, number: int, key: SigningKey) -> str:
    """Return the text of recipients.txt.minisig; what is signed is `encode_recipients(recipients)`."""
    if not 1 <= number <= GENERATION_MAX:
        raise GenerationError(f"a generation has a number from 1 to {GENERATION_MAX}")
    comment = f"{FORMAT} v{VERSION} {number} {sealed_to(recipients)}"
    return key.sign(encode_recipients(recipients), trusted_comment=comment)


def verify_recipients(untrusted_text: bytes, untrusted_signature: str, key: VerifyKey) -> Generation:
    """Return the generation in a recipients file, once the desk's signature was checked.

    Raises:
        GenerationError: Another key's signature, over other bytes, or made for something else.

    Invariant K6.
    """
    try:
        comment = _COMMENT.fullmatch(key.verify(untrusted_text, untrusted_signature))
    except KeyMaterialError as error:
        raise GenerationError(f"the recipients are not signed by this desk's key: {error}") from None
    if comment is None:
        raise GenerationError("the desk's signature is genuine, but was not made for a recipients file")
    try:
        recipients = parse_recipients(untrusted_text.decode("ascii"))
    except UnicodeDecodeError:
        raise GenerationError("the recipients file is not a text file of keys") from None
    if encode_recipients(recipients) != untrusted_text or sealed_to(recipients) != comment[2]:
        raise GenerationError("the recipients file is not in the one form that is signed")
    return Generation(int(comment[1]), recipients)
