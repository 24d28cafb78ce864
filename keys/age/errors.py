"""What can be wrong with an age file, sorted as the published test vectors sort it."""

from keys.errors import KeyMaterialError


class AgeError(KeyMaterialError):
    """The bytes are not an age file that can be opened here."""


class HeaderError(AgeError):
    """The header, or a stanza that one of our keys has to read, is malformed."""


class HeaderMacError(AgeError):
    """The header was changed after it was written: its MAC does not fit the file key."""


class NoMatchError(AgeError):
    """None of the identities opens this file."""


class PayloadError(AgeError):
    """A chunk of the payload failed authentication, or the payload is cut or continues after its end."""


class ArmorError(AgeError):
    """The text form of an age file is malformed."""


class HybridUnsupportedError(AgeError):
    """This machine's build of `cryptography` has no ML-KEM-768 (one on an old OpenSSL)."""

    def __init__(self) -> None:
        super().__init__(
            "the cryptography library of this machine cannot make or use hybrid keys (ML-KEM-768): "
            "install the version that requirements.lock pins, or use classic keys"
        )
