"""Ordinary PDFs are clear: at least 98 in a hundred of those made here, and the exceptions stand in CHECKS.md.

Invariant Q4.
"""

import io
from pathlib import Path

from quarantine.budgets import Budgets
from quarantine.check_of_type import examine_bytes
from quarantine.file_types import FileType, type_of_content
from quarantine.findings import Grade
from tests.builders.benign_pdfs import by_programs, by_pypdf, own

# Damage and attachments are worth a warning; nothing else in an ordinary PDF is.
WARNINGS = {"pdf.damaged", "pdf.embedded-file"}


def test_ordinary_pdfs_are_clear(tmp_path: Path) -> None:
    files = [*own(), *by_pypdf(), *by_programs(tmp_path)]
    held, warned = {}, {}
    for name, content in files:
        assert type_of_content(content[:4096]) is FileType.PDF, name
        findings = examine_bytes(io.BytesIO(content), FileType.PDF, Budgets()).findings
        if any(finding.grade.holds for finding in findings):
            held[name] = findings
        if warnings := {f.code.value for f in findings if f.grade is Grade.WARNING} - WARNINGS:
            warned[name] = warnings
    assert len(files) >= 45
    assert len(held) <= len(files) * 0.02, held
    assert warned == {}
