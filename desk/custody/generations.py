"""The generations of a desk's recipients: the one that gateways seal to now, and earlier ones that packets still name.

A new generation is made here and signed by `desk.key`; a gateway takes it when its operator does. The identities of all
generations stay in `identity.txt`, the newest first, so that packets sealed to either open. What is public of the
earlier ones lies in `former/`, named by the generation's number.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.events import Event
from desk.errors import DeskError
from desk.home import KEY_FILE_MAX, DeskHome
from disk.durable import make_private_folder, replace, write_new
from keys.errors import KeyMaterialError
from keys.generation import Generation, GenerationError, sign_recipients, verify_recipients
from keys.identity import Identity, encode_identities, generate_identity
from keys.recipient import KeyKind, Recipient, encode_recipients, parse_recipients, sealed_to
from keys.signing import SigningKey

_FORMER: Final = "recipients-{number:04}.txt"


@dataclass(frozen=True, slots=True)
class NewGeneration:
    """What `rotate` made: the generation, and whether it has a backup key."""

    generation: Generation
    has_backup: bool


def current_generation(home: DeskHome) -> Generation:
    """Return the recipients that gateways are to use.

    Raises:
        DeskError: `recipients.txt` is not what the desk's key signed.
    """
    home.check()
    try:
        with home.recipients.open("rb") as stream:
            text = stream.read(KEY_FILE_MAX)
        signature = home.signature.read_bytes()[:KEY_FILE_MAX].decode("utf-8", "replace")
        return verify_recipients(text, signature, home.load_verify_key())
    except FileNotFoundError as error:
        raise DeskError(f"{error.filename} is missing; 'enveis desk recipients --sign' signs recipients.txt") from None
    except GenerationError as error:
        raise DeskError(f"{error} ('enveis desk recipients --sign' signs recipients.txt as it is)") from None


def former_generations(home: DeskHome) -> list[Generation]:
    """Return the earlier generations, the newest first."""
    found = []
    for path in sorted(home.former.glob("recipients-*.txt"), reverse=True):
        digits = path.stem.rpartition("-")[2]
        try:
            found.append(Generation(int(digits), parse_recipients(path.read_text("ascii"))))
        except (KeyMaterialError, ValueError):
            raise DeskError(f"{path} is not a recipients file of an earlier generation") from None
    return found


def known_recipients(home: DeskHome) -> list[Recipient]:
    """Return every recipient that this desk ever had, the newest first: a joined key must be one of them."""
    return [
        *home.load_recipients(),
        *(recipient for generation in former_generations(home) for recipient in generation.recipients),
    ]


def describe(home: DeskHome, untrusted_name: str) -> str:
    """Return a sentence on the generation that a manifest's `sealed_to` names; empty for the current one."""
    if untrusted_name == sealed_to(home.load_recipients()):
        return ""
    for generation in former_generations(home):
        if generation.name == untrusted_name:
            return f"It was sealed to generation {generation.number} of the recipients, an earlier one."
    return "It names recipients that this desk never made: somebody else may be able to open it too."


def rotate(
    home: DeskHome,
    *,
    kind: KeyKind | None,
    backup: Path | None,
    passphrase: str | None,
    ask_passphrase: Callable[[], str],
) -> NewGeneration:
    """Make a new identity, and a backup in the file `backup`; the earlier identities stay beside the new one.

    Args:
        home: The desk's home. An identity that exists only in shares is not asked for, and stays there.
        kind: None for the current kind.
        backup: Must be outside the home.
        passphrase: Seals identity file and backup; None only where the identity file had none.
        ask_passphrase: Asked when the identity file is sealed.

    Raises:
        DeskError: The current recipients are not signed, or the backup would lie in the home.
        FileExistsError: The backup file exists; nothing was changed.
        KeyMaterialError: The identity file does not open; nothing was changed.
    """
    before = current_generation(home)
    if backup is not None and backup.resolve().is_relative_to(home.root.resolve()):
        raise DeskError("the backup identity must be kept outside the home that it backs up")
    earlier = home.load_identities(ask_passphrase) if home.identity.exists() else ()
    key = home.load_signing_key()
    chosen = kind or before.recipients[0].kind
    identity = generate_identity(chosen)
    spare = generate_identity(chosen) if backup is not None else None
    recipients = tuple(one.recipient for one in (identity, spare) if one is not None)
    generation = Generation(before.number + 1, recipients)
    # First what opens, then what is sealed to: a crash in between leaves a key too many, never a packet without one.
    if backup is not None and spare is not None:
        write_new(backup, [encode_identities([spare], passphrase)])
    replace(home.identity, [encode_identities([identity, *earlier], passphrase)])
    _retire(home, before)
    _publish(home, generation, key)
    return NewGeneration(generation, has_backup=spare is not None)


def sign_again(home: DeskHome) -> Generation:
    """Sign recipients.txt as it is: after the desk's key was replaced, or a crash came between file and signature."""
    numbers = [generation.number for generation in former_generations(home)]
    generation = Generation(max(numbers, default=0) + 1, home.load_recipients())
    _publish(home, generation, home.load_signing_key())
    return generation


def _retire(home: DeskHome, generation: Generation) -> None:
    make_private_folder(home.former)
    path = home.former / _FORMER.format(number=generation.number)
    replace(path, [encode_recipients(generation.recipients)])


def _publish(home: DeskHome, generation: Generation, key: SigningKey) -> None:
    text = encode_recipients(generation.recipients)
    home.log().append(Event.RECIPIENTS_CHANGED, digest=hashlib.sha256(text).hexdigest())
    replace(home.recipients, [text])
    replace(home.signature, [sign_recipients(generation.recipients, number=generation.number, key=key).encode()])


def identities_of(home: DeskHome, identities: tuple[Identity, ...]) -> list[int]:
    """Return the numbers of the generations that these identities open, the newest first."""
    public = {identity.recipient for identity in identities}
    every = [current_generation(home), *former_generations(home)]
    return [generation.number for generation in every if public.intersection(generation.recipients)]
