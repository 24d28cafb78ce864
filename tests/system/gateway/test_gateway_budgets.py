"""What gateway.toml says of inspections is what a running gateway goes by.

Invariant Q6.
"""

from pathlib import Path
from typing import Any

import pytest

from enveis.demo.sample_files import deflated_zip
from quarantine.budgets import Budgets
from quarantine.scanner.local_clamd import LocalClamd
from tests.worlds.gateway_process import GatewayProcess
from transfer.names import Lane

PROGRAM = deflated_zip({"tool.exe": b"hello\n", "a.txt": b"hello\n"})


@pytest.mark.parametrize(
    ("settings", "lane", "codes"),
    [
        ({}, Lane.CLEAR, {"archive.executable"}),
        ({"also_hold": ("archive.executable",)}, Lane.HELD, {"archive.executable"}),
        # Two members are one too many, and no name is read.
        ({"budgets": Budgets(members=1)}, Lane.HELD, {"archive.budget"}),
    ],
)
def test_settings_reach_the_inspection(
    tmp_path: Path, clamd: LocalClamd, settings: dict[str, Any], lane: Lane, codes: set[str]
) -> None:
    socket = str(clamd.socket_path)
    with GatewayProcess(tmp_path, inspection=True, clamd_socket=socket, **settings) as gateway:
        assert gateway.submit([("message", "x")], [("tool.zip", PROGRAM)]).words
        (packet,) = gateway.packets()
    assert packet.lane is lane
    assert {finding.code for finding in packet.manifest.files[0].findings} - {"privacy.archive-times"} == codes
