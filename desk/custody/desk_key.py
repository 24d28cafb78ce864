"""A new signing key for the desk, when `desk.key` was lost or somebody else may have it.

A gateway trusts the new key once its operator has accepted it (`enveis gateway desk-key`). Until then, whoever has the
old key can sign recipients, whose fingerprint words an operator compares, and bundles, whose replies sources are shown.
"""

import hashlib

from audit.events import Event
from desk.custody.generations import sign_again
from desk.home import DeskHome
from disk.durable import make_private_folder, replace
from keys.errors import KeyMaterialError
from keys.generation import Generation
from keys.signing import SigningKey, VerifyKey, parse_verify_key


def renew_key(home: DeskHome) -> tuple[VerifyKey, Generation]:
    """Make a new desk.key and desk.pub, and sign the current recipients with it. The old public half is kept."""
    home.check()
    key = SigningKey.generate()
    make_private_folder(home.former)
    if home.public_key.exists():
        text = home.public_key.read_bytes()
        try:
            name = parse_verify_key(text.decode("ascii", "replace")).key_id.lower()
        except KeyMaterialError:
            name = "damaged"
        replace(home.former / f"desk-{name}.pub", [text])
    home.log().append(Event.DESK_KEY_CHANGED, digest=hashlib.sha256(key.public.raw).hexdigest())
    replace(home.key, [key.encode().encode()])
    replace(home.public_key, [key.public.encode().encode()])
    return key.public, sign_again(home)
