"""Office documents and e-mails at a gateway that takes them: inspected in the real cage, and held whatever is found.

Invariant Q11.
"""

from pathlib import Path
from typing import Any

from quarantine.scanner.local_clamd import LocalClamd
from tests.builders.documents import KINDS, document
from tests.builders.rar5 import Rar5Entry, rar5
from tests.worlds.gateway_process import GatewayProcess
from transfer.names import Lane
from transfer.packet.manifest import Outcome


def test_documents_are_inspected_in_the_cage_and_held(tmp_path: Path, clamd: LocalClamd) -> None:
    settings: dict[str, Any] = {"inspection": True, "clamd_socket": str(clamd.socket_path), "allowed_types": KINDS}
    sent = [(f"a.{kind}", document(kind)) for kind in KINDS]
    # What only the broker can unpack, by its place in the document.
    sent.append(("rar.docx", document("docx", more={"word/a.rar": rar5(Rar5Entry("a.exe", b"MZ" + bytes(80)))})))
    with GatewayProcess(tmp_path, **settings) as gateway:
        answer = gateway.submit([("message", "x")], sent)
        assert answer.words, answer.text
        (packet,) = gateway.packets()
    assert packet.lane is Lane.HELD
    notes = {note.name: note for note in packet.manifest.files}
    assert {note.outcome for note in notes.values()} == {Outcome.HELD}
    found = {name: {finding.code for finding in note.findings} for name, note in notes.items()}
    assert found["rar.docx"] == {"document.not-inspected", "archive.executable"}
    assert found["a.eml"] == {"document.not-inspected", "privacy.mail-people"}
    assert all(found[f"a.{kind}"] == {"document.not-inspected"} for kind in KINDS if kind != "eml")
    assert {note.type for note in notes.values()} == set(KINDS)
