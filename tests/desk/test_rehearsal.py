"""A rehearsal believes nothing but the bytes that come out."""

import dataclasses

from desk.custody.rehearsal import make_test_packet, rehearse_key
from keys.identity import generate_identity
from keys.recipient import KeyKind

DESK, BACKUP = generate_identity(KeyKind.HYBRID), generate_identity(KeyKind.HYBRID)
RECIPIENTS = [DESK.recipient, BACKUP.recipient]
PACKET = make_test_packet(RECIPIENTS)


def test_each_key_alone() -> None:
    for place, identity in enumerate((DESK, BACKUP), start=1):
        proof = rehearse_key(PACKET, identity, RECIPIENTS, way="x")
        assert (proof.opens, proof.recipient, proof.fault) == (True, place, "")


def test_other_bytes_are_no_proof() -> None:
    changed = dataclasses.replace(PACKET, sha256="00" * 32)
    assert "not to the bytes that were sealed" in rehearse_key(changed, DESK, RECIPIENTS, way="x").fault
    torn = dataclasses.replace(PACKET, sealed=PACKET.sealed[:-1])
    assert not rehearse_key(torn, DESK, RECIPIENTS, way="x").opens


def test_a_foreign_key_is_no_proof() -> None:
    proof = rehearse_key(PACKET, generate_identity(KeyKind.HYBRID), RECIPIENTS, way="x")
    assert (proof.opens, proof.recipient) == (False, None)
    assert proof.fault
