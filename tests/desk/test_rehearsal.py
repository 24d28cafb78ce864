"""A rehearsal believes nothing but the bytes that come out."""

import dataclasses

from desk.custody.rehearsal import make_test_packet, rehearse
from keys.identity import generate_identity
from keys.recipient import Kind

DESK, BACKUP = generate_identity(Kind.HYBRID), generate_identity(Kind.HYBRID)
RECIPIENTS = [DESK.recipient, BACKUP.recipient]
PACKET = make_test_packet(RECIPIENTS)


def test_each_key_alone() -> None:
    for place, identity in enumerate((DESK, BACKUP), start=1):
        proof = rehearse(PACKET, identity, RECIPIENTS, way="x")
        assert (proof.opens, proof.recipient, proof.fault) == (True, place, "")


def test_other_bytes_are_no_proof() -> None:
    changed = dataclasses.replace(PACKET, sha256="00" * 32)
    assert "other bytes" in rehearse(changed, DESK, RECIPIENTS, way="x").fault
    torn = dataclasses.replace(PACKET, sealed=PACKET.sealed[:-1])
    assert not rehearse(torn, DESK, RECIPIENTS, way="x").opens


def test_a_foreign_key_is_no_proof() -> None:
    proof = rehearse(PACKET, generate_identity(Kind.HYBRID), RECIPIENTS, way="x")
    assert (proof.opens, proof.recipient) == (False, None)
    assert proof.fault
