"""`Errand`: a first visit and a later one go through the same steps of `receive`."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from gateway.form import WORDS_FIELD, Fields
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.receipts.fresh_receipt import FreshReceipt, NoReceiptError
from gateway.receipts.return_keys import DeriverBusyError
from gateway.station import Station
from gateway.submission.errand import Errand
from gateway.submission.first_visit import FirstVisit
from gateway.submission.later_visit import LaterVisit
from keys.receipt import new_receipt_words, public_receipt, return_secrets
from keys.recipient import KeyKind
from quarantine.file_types import FileType

WORDS = new_receipt_words()
LIMITS = Limits(files_max=3, file_max_bytes=1000, message_max_bytes=1024, allowed=frozenset(FileType))


@pytest.fixture
def station() -> Any:
    public = public_receipt(WORDS, KeyKind.CLASSIC)
    fresh = FreshReceipt(WORDS.return_words, WORDS.proof_words, public)
    found = mock.Mock(Station, limits=LIMITS, kind=KeyKind.CLASSIC, receipts=mock.Mock(), deriver=mock.Mock())
    found.receipts.make = mock.AsyncMock(return_value=fresh)
    found.deriver.derive = mock.AsyncMock(return_value=return_secrets(WORDS.return_words, KeyKind.CLASSIC))
    found.mail = mock.Mock(grant=mock.Mock(return_value=None))
    return found


@pytest.fixture(params=[FirstVisit, LaterVisit])
def make(request: pytest.FixtureRequest, station: Any) -> Callable[[], Errand]:
    kind: type[FirstVisit | LaterVisit] = request.param
    return lambda: kind(station)


@pytest.fixture
def fields() -> Fields:
    found = Fields()
    found.add(WORDS_FIELD, WORDS.return_words.encode())
    return found


async def test_the_packet_carries_the_receipt_of_these_words(make: Callable[[], Errand], fields: Fields) -> None:
    errand = make()
    carried = await errand.carried(fields)
    assert carried.note.lookup == public_receipt(WORDS, KeyKind.CLASSIC).lookup
    # Words are shown to whoever does not have them yet; and the proof key goes with the first packet only.
    assert (carried.shown is not None) == isinstance(errand, FirstVisit) == bool(carried.note.proof)


async def test_nobody_is_below_the_ordinary_limits(make: Callable[[], Errand], fields: Fields) -> None:
    errand = make()
    assert await errand.wider(fields) == LIMITS


async def test_what_is_not_there_in_time_is_a_busy_gateway(
    make: Callable[[], Errand], station: Any, fields: Fields
) -> None:
    station.receipts.make.side_effect = NoReceiptError
    station.deriver.derive.side_effect = DeriverBusyError
    errand = make()
    with pytest.raises(SubmissionError) as caught:
        await errand.carried(fields)
    assert caught.value.problem is Problem.BUSY


def test_they_are_for_different_purposes() -> None:
    assert FirstVisit.purpose != LaterVisit.purpose
