"""Watches what is parsed as JSON, so that a test can say that untrusted bytes were not."""

import json
from typing import Any

import pytest

_loads = json.loads


def watch_json(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return a list that grows by each text that is parsed from now on, whoever calls the parser."""
    texts: list[bytes] = []

    def loads(text: str | bytes | bytearray, **options: Any) -> Any:
        texts.append(text.encode() if isinstance(text, str) else bytes(text))
        return _loads(text, **options)

    monkeypatch.setattr(json, "loads", loads)
    return texts
