"""A later visit is joined by its signature alone, and a withdrawal is believed by its token alone.

Invariant T10.
"""

import hashlib
import subprocess
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from keys.ed25519 import ed25519_public
from transfer.names import Lane, PacketId
from transfer.packet.manifest import (
    REQUESTS_MAX,
    FileNote,
    FindingNote,
    MadeBy,
    Manifest,
    Outcome,
    PacketPurpose,
    ReceiptNote,
    RefusedNote,
    encode_manifest,
    parse_manifest,
)
from transfer.packet.visit_signature import (
    VisitError,
    encode_visit,
    is_token_of,
    new_withdraw_token,
    sign_visit,
    verify_visit,
    withdrawal_of,
)
from transfer.record import RecordError

SEED = bytes(range(32))
MESSAGE = b'{"enveis_message": 1}\n'
RECEIPT = ReceiptNote("ab" * 16, "age1" + "q" * 58, ed25519_public(SEED), "")
FILES = (
    FileNote("files/01.pdf", "a.pdf", "pdf", 3, "12" * 32, Outcome.CLEAR),
    FileNote("files/02.txt", "b.txt", "txt", 4, "34" * 32, Outcome.HELD, findings=(FindingNote("x", "danger"),)),
)
ADDITION = Manifest(
    packet=PacketId("0f" * 16),
    gateway="00" * 8,
    received=date(2026, 11, 22),
    lane=Lane.HELD,
    sealed_to="00" * 8,
    receipt=RECEIPT,
    files=FILES,
    purpose=PacketPurpose.ADDITION,
    withdrawal="56" * 32,
)
SIGNED = replace(ADDITION, visit=sign_visit(SEED, ADDITION, MESSAGE))
FIRST = replace(ADDITION, purpose=PacketPurpose.FIRST, receipt=replace(RECEIPT, proof="ef" * 32))
REQUESTS = replace(ADDITION, purpose=PacketPurpose.REQUESTS, receipt=None, files=(), withdrawal="", requests=2)


def test_a_visit_with_the_cases_key_is_verified() -> None:
    verify_visit(RECEIPT.signing, SIGNED, MESSAGE)
    verify_visit(RECEIPT.signing, parse_manifest(encode_manifest(SIGNED)), MESSAGE)


@pytest.mark.parametrize(
    "altered",
    [
        replace(SIGNED, packet=PacketId("1f" * 16)),
        replace(SIGNED, purpose=PacketPurpose.FIRST),
        replace(SIGNED, receipt=replace(RECEIPT, lookup="cd" * 16)),
        replace(SIGNED, withdrawal="57" * 32),
        replace(SIGNED, withdrawal=""),
        replace(SIGNED, files=FILES[:1]),
        replace(SIGNED, files=FILES[::-1]),
        replace(SIGNED, files=(replace(FILES[0], sha256="13" * 32), FILES[1])),
        replace(SIGNED, visit=""),
        replace(SIGNED, visit=f"{int(SIGNED.visit, 16) ^ 1:0128x}"),
    ],
)
def test_nothing_that_a_visit_says_can_be_altered(altered: Manifest) -> None:
    with pytest.raises(VisitError):
        verify_visit(RECEIPT.signing, altered, MESSAGE)


def test_a_visit_of_somebody_else_is_not_verified() -> None:
    other = bytes(32)
    forged = replace(SIGNED, receipt=replace(RECEIPT, signing=ed25519_public(other)))
    forged = replace(forged, visit=sign_visit(other, forged, MESSAGE))
    with pytest.raises(VisitError):
        verify_visit(RECEIPT.signing, forged, MESSAGE)
    with pytest.raises(VisitError):
        verify_visit(RECEIPT.signing, SIGNED, MESSAGE + b" ")
    # The identity element "signs" everything for a verifier that does not look.
    with pytest.raises(VisitError):
        verify_visit("01" + "00" * 31, replace(SIGNED, visit="01" + "00" * 63), MESSAGE)


def test_openssl_and_sha256sum_agree(tmp_path: Path) -> None:
    """The signature and the text that FORMAT.md 4.8 describes, checked by tools that are not ours."""
    files = "".join(f"{note.sha256}  {note.member}\n" for note in FILES).encode()
    text = (
        f"enveis-visit-v1\npacket {SIGNED.packet}\npurpose addition\nlookup {RECEIPT.lookup}\n"
        f"withdrawal {SIGNED.withdrawal}\nmessage {hashlib.sha256(MESSAGE).hexdigest()}\n"
        f"files {subprocess.run(['sha256sum'], input=files, check=True, capture_output=True).stdout[:64].decode()}\n"
    )
    assert encode_visit(SIGNED, MESSAGE) == text.encode()
    (tmp_path / "text").write_text(text)
    (tmp_path / "signature").write_bytes(bytes.fromhex(SIGNED.visit))
    # RFC 8410: what stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo.
    (tmp_path / "key").write_bytes(bytes.fromhex("302a300506032b6570032100" + RECEIPT.signing))
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-rawin", "-keyform", "DER"]
    names = ["-inkey", "key", "-in", "text", "-sigfile", "signature"]
    done = subprocess.run([*verify, *names], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), done.stderr


def test_a_token_withdraws_what_it_was_made_for() -> None:
    token, other = new_withdraw_token(), new_withdraw_token()
    assert token != other
    assert hashlib.sha256(bytes.fromhex(token)).hexdigest() == withdrawal_of(token)
    assert is_token_of(withdrawal_of(token), token)
    assert not is_token_of(withdrawal_of(token), other)
    assert not is_token_of("", token)


@pytest.mark.parametrize(
    "manifest",
    [
        FIRST,
        SIGNED,
        ADDITION,
        REQUESTS,
        replace(REQUESTS, requests=REQUESTS_MAX),
        replace(FIRST, receipt=replace(RECEIPT, proof="ef" * 32, made_by=MadeBy.SOURCE)),
    ],
)
def test_every_purpose_is_read_back(manifest: Manifest) -> None:
    assert parse_manifest(encode_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    "manifest",
    [
        replace(FIRST, visit=SIGNED.visit),
        replace(FIRST, receipt=RECEIPT),
        replace(FIRST, receipt=None),
        replace(FIRST, requests=1),
        replace(SIGNED, receipt=FIRST.receipt),
        replace(SIGNED, receipt=None),
        replace(SIGNED, requests=1),
        replace(REQUESTS, requests=0),
        replace(REQUESTS, receipt=RECEIPT),
        replace(REQUESTS, visit=SIGNED.visit),
        replace(REQUESTS, withdrawal="56" * 32),
        replace(REQUESTS, files=FILES),
        replace(REQUESTS, refused=(RefusedNote("a.exe", "type.name"),)),
        replace(REQUESTS, promised=date(2026, 12, 1)),
    ],
)
def test_fields_of_another_purpose_are_refused(manifest: Manifest) -> None:
    with pytest.raises(RecordError, match="do not fit its purpose"):
        parse_manifest(encode_manifest(manifest))
