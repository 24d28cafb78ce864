"""Both ends of a link without a wire, for the tests of this folder without a fixture of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.diode.both_ends import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    try:
        yield bench
    finally:
        bench.close()
