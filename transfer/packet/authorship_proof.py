"""Proof of authorship: a challenge, and the signature of the proof words over it (docs/proof.md). No input or output.

A challenge is a few lines of text that a person can read before signing: who asks, for what, on which day, and about
which packet. The signature covers it byte for byte, so a proof for one verifier and purpose proves nothing to another.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Final

from keys.ed25519 import Ed25519Error, ed25519_public, sign_ed25519, verify_ed25519
from transfer.errors import TransferError
from transfer.names import PacketId, parse_packet_id
from transfer.packet.manifest import parse_day

TEXT_MAX: Final = 200  # characters of verifier and purpose
PROOF_MAX: Final = 8 * 1024  # bytes of a challenge or proof
_TITLE: Final = "enveis-proof-v1"
_NAMES: Final = ("verifier", "purpose", "date", "packet", "manifest", "message", "nonce")
_HEX_32: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_HEX_64: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_HEX_128: Final = re.compile(r"[0-9a-f]{128}", re.ASCII)


class ProofError(TransferError):
    """Not a challenge, not a proof, or a proof that does not prove what it is shown for."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is to be proven, and to whom. Digests are SHA-256, hexadecimal, of the packet's two records."""

    verifier: str
    purpose: str
    day: date
    packet: PacketId
    manifest: str
    message: str
    nonce: str  # 32 hexadecimal digits: no proof of an earlier day fits


@dataclass(frozen=True, slots=True)
class AuthorshipProof:
    """A challenge with the public half of the proof words and their signature, hexadecimal."""

    challenge: Challenge
    public: str
    signature: str


def new_challenge(
    *, verifier: str, purpose: str, day: date, packet: PacketId, manifest: bytes, message: bytes
) -> Challenge:
    """Return a challenge about the packet with these records, byte for byte as they are in it.

    Raises:
        ProofError: The verifier or the purpose is not one line of readable text.
    """
    for text in (verifier, purpose):
        if not 0 < len(text) <= TEXT_MAX or not text.isprintable() or text != text.strip():
            raise ProofError(f"verifier and purpose are one line each, of at most {TEXT_MAX} characters")
    digests = (hashlib.sha256(manifest).hexdigest(), hashlib.sha256(message).hexdigest())
    return Challenge(verifier, purpose, day, packet, *digests, secrets.token_hex(16))


def encode_challenge(challenge: Challenge) -> bytes:
    """Return the challenge as text: what is signed."""
    asked = (challenge.verifier, challenge.purpose, challenge.day.isoformat())
    values = (*asked, challenge.packet, challenge.manifest, challenge.message, challenge.nonce)
    lines = [_TITLE, *(f"{name}: {value}" for name, value in zip(_NAMES, values, strict=True))]
    return "".join(f"{line}\n" for line in lines).encode()


def parse_challenge(untrusted: bytes) -> Challenge:
    """Return the challenge in a text.

    Raises:
        ProofError: It is not in the one form that the format allows.
    """
    lines = _lines(untrusted)
    if len(lines) != len(_NAMES) + 1 or lines[0] != _TITLE:
        raise ProofError("this is not a challenge ('enveis desk challenge' makes one)")
    return _challenge(lines)


def sign_challenge(seed: bytes, challenge: Challenge) -> AuthorshipProof:
    """Return the proof, made with the seed that is derived from the proof words."""
    return AuthorshipProof(challenge, ed25519_public(seed), sign_ed25519(seed, encode_challenge(challenge)))


def encode_proof(proof: AuthorshipProof) -> bytes:
    """Return the proof as text: the challenge, and two lines."""
    return encode_challenge(proof.challenge) + f"key: {proof.public}\nsignature: {proof.signature}\n".encode()


def parse_proof(untrusted: bytes) -> AuthorshipProof:
    """Return the proof in a text; it is not verified yet.

    Raises:
        ProofError: It is not in the one form that the format allows.
    """
    lines = _lines(untrusted)
    if len(lines) != len(_NAMES) + 3 or lines[0] != _TITLE:
        raise ProofError("this is not a proof ('enveis receipt prove' makes one)")
    public, signature = _value(lines[-2], "key", _HEX_64), _value(lines[-1], "signature", _HEX_128)
    return AuthorshipProof(_challenge(lines[:-2]), public, signature)


def verify_proof(proof: AuthorshipProof, *, public: str, manifest: bytes, message: bytes) -> None:
    """Return when the proof was made with the proof words of this packet, about these records.

    Raises:
        ProofError: It was not; the message names what does not fit.
    """
    challenge = proof.challenge
    if (challenge.manifest, challenge.message) != tuple(hashlib.sha256(one).hexdigest() for one in (manifest, message)):
        raise ProofError("the proof is about another packet than this one, or about one that was altered")
    if proof.public != public:
        raise ProofError("the proof was made with other proof words than those of this packet's receipt")
    try:
        verify_ed25519(public, encode_challenge(challenge), proof.signature)
    except Ed25519Error:
        raise ProofError(
            "the signature does not fit: the proof was altered, or was not made with these proof words"
        ) from None


def _lines(untrusted: bytes) -> list[str]:
    if len(untrusted) > PROOF_MAX:
        raise ProofError("this is too long for a challenge or a proof")
    try:
        # A text that travels by mail may come back with other line ends; the signature covers these.
        text = untrusted.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ProofError("this is not a text in UTF-8") from None
    return text.removesuffix("\n").split("\n")


def _challenge(lines: list[str]) -> Challenge:
    values = [_value(line, name, None) for line, name in zip(lines[1:], _NAMES, strict=True)]
    verifier, purpose, day, packet, manifest, message, nonce = values
    try:
        challenge = Challenge(
            verifier=verifier,
            purpose=purpose,
            day=parse_day(day),
            packet=parse_packet_id(packet),
            manifest=_matching(manifest, _HEX_64),
            message=_matching(message, _HEX_64),
            nonce=_matching(nonce, _HEX_32),
        )
    except ValueError:
        raise ProofError("a line of the challenge is not of its form") from None
    for text in (verifier, purpose):
        if not 0 < len(text) <= TEXT_MAX or not text.isprintable():
            raise ProofError("a line of the challenge cannot be shown as it is")
    return challenge


def _value(line: str, name: str, pattern: re.Pattern[str] | None) -> str:
    found, _, value = line.partition(": ")
    if found != name or (pattern is not None and not pattern.fullmatch(value)):
        raise ProofError(f"the line '{name}' is missing or not of its form")
    return value


def _matching(untrusted_text: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(untrusted_text):
        raise ValueError
    return untrusted_text
