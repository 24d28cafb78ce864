"""What many tests share: one real clamd for the whole run."""

from collections.abc import Iterator

import pytest

from quarantine.local_clamd import LocalClamd


@pytest.fixture(scope="session")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClamd]:
    """A running clamd with the test signatures (EICAR and TEST_MARK)."""
    with LocalClamd(tmp_path_factory.mktemp("clamd")) as running:
        yield running
