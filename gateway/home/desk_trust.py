"""What a gateway believes of its desk: the recipients it seals to, and the key that signs for the desk.

Both change by an act of this machine's operator only, who compares words with the desk; never by a bundle. A new
generation of recipients must carry the signature of the desk's key, and a number above the one that is here. A running
gateway continues with what it read at its start.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from audit.events import Event
from disk.durable import replace
from disk.handed_over import HandedOverError, read_handed_over
from gateway.errors import GatewayError
from gateway.home.home import KEY_FILE_MAX, SIGNATURE_SUFFIX, GatewayHome, read_key_file
from gateway.replies.reply_store import ReplyStore
from keys.generation import Generation, GenerationError, verify_recipients
from keys.recipient import encode_recipients
from keys.signing import VerifyKey, parse_verify_key


@dataclass(frozen=True, slots=True)
class Offer:
    """A signed recipients file that was handed in and may be accepted; `known` is the generation here, 0 if unknown."""

    generation: Generation
    signature: str
    known: int
    other_kind: bool


def known_generation(home: GatewayHome) -> int:
    """Return the number of the generation that is sealed to; 0 when the desk's key did not sign what is here."""
    try:
        signature = home.recipients_signature.read_bytes()[:KEY_FILE_MAX].decode("utf-8", "replace")
        return verify_recipients(home.recipients.read_bytes()[:KEY_FILE_MAX], signature, _desk_key(home)).number
    except (OSError, GenerationError):
        return 0


def read_offer(home: GatewayHome, path: Path) -> Offer:
    """Check a new recipients file and its signature, which lies beside it.

    Raises:
        GatewayError: Not signed by this desk's key, of an earlier generation, or the one that is here already.
    """
    material = home.load()
    signature_path = path.with_name(path.name + SIGNATURE_SUFFIX)
    try:
        text = read_handed_over(path, largest=KEY_FILE_MAX)
        signature = read_handed_over(signature_path, largest=KEY_FILE_MAX).decode("utf-8", "replace")
        generation = verify_recipients(text, signature, material.desk_key)
    except OSError as error:
        raise GatewayError(f"{error.filename}: cannot be read ({error.strerror})") from None
    except HandedOverError as error:
        raise GatewayError(str(error)) from None
    except GenerationError as error:
        raise GatewayError(f"{path}: {error}") from None
    known = known_generation(home)
    if generation.number < known:
        older = f"these recipients are of generation {generation.number}, and generation {known} is here"
        raise GatewayError(f"{older}: there is no way back")
    if generation.number == known and generation.recipients != material.recipients:
        raise GatewayError(
            f"the desk's key signed two different files as generation {known}: ask at the desk before anything else"
        )
    other_kind = generation.recipients[0].kind is not material.recipients[0].kind
    return Offer(generation, signature, known, other_kind)


def take_recipients(home: GatewayHome, offer: Offer) -> bool:
    """Seal to these recipients from the next start on; return False when they are here already."""
    text = encode_recipients(offer.generation.recipients)
    if offer.generation.number == offer.known:
        return False
    # Logged before it is done: after a crash in between, the log has a change that the next call completes.
    home.log().append(Event.RECIPIENTS_CHANGED, digest=hashlib.sha256(text).hexdigest())
    replace(home.recipients, [text])
    replace(home.recipients_signature, [offer.signature.encode()])
    return True


def read_desk_key(path: Path) -> VerifyKey:
    """Return the public key in a file that was handed in, or raise GatewayError."""
    return read_key_file(path, parse_verify_key, follow=False)


def take_desk_key(home: GatewayHome, key: VerifyKey) -> bool:
    """Trust another desk key from the next start on; return False when it is the one that is here.

    The bundle that the old key signed is forgotten: what it brought may be a thief's. What sources deleted stays
    deleted, and the next bundle is accepted with --min-serial only.
    """
    if key == _desk_key(home):
        return False
    home.log().append(Event.DESK_KEY_CHANGED, digest=hashlib.sha256(key.raw).hexdigest())
    # In this order: a gateway that finds the new key beside the old key's bundle would not start.
    ReplyStore(home.reply_store).forget()
    replace(home.desk_key, [key.encode().encode()])
    return True


def _desk_key(home: GatewayHome) -> VerifyKey:
    return read_key_file(home.desk_key, parse_verify_key)
