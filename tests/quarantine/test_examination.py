import hashlib
import json

import pytest
import rarfile
from hypothesis import given
from hypothesis import strategies as st

from quarantine.archive.blake2sp import Blake2sp
from quarantine.budgets import Budgets
from quarantine.errors import UndecidableError
from quarantine.examination import CRC32_MAX, ArchiveMember, Examination, Promise, encode_examination, parse_examination
from quarantine.findings import Code, Finding
from quarantine.verdict import Reason

BUDGETS = Budgets(members=3)
PROMISES = st.sampled_from(Promise)
PLACES = st.lists(st.integers(0, 2**40), max_size=4).map(tuple)
SIZES = st.integers(0, 2**40)
MEMBERS = st.one_of(
    st.builds(ArchiveMember, SIZES, crc32=st.integers(0, CRC32_MAX), place=PLACES, promise=PROMISES),
    st.builds(ArchiveMember, SIZES, blake2sp=st.binary(min_size=32, max_size=32), promise=PROMISES),
)


@given(
    st.builds(
        Examination,
        st.lists(st.sampled_from(Code), unique=True).map(lambda codes: tuple(map(Finding, codes))),
        st.lists(MEMBERS, max_size=3).map(tuple),
        st.integers(0, 3),
        SIZES,
    )
)
def test_an_answer_arrives_as_it_was_sent(examination: Examination) -> None:
    assert parse_examination(encode_examination(examination), BUDGETS) == examination


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"spent":[0,0],"findings":[],"members":[]} trailing',
        b'{"spent":[0,0],"findings":[],"members":[],"more":1}',
        b'{"spent":[0,0],"findings":{},"members":[]}',
        b'{"spent":[0,0],"findings":["no.such-code"],"members":[]}',
        b'{"spent":[0,0],"findings":[["rar.link"]],"members":[]}',
        b'{"spent":[0,0],"findings":[1],"members":[]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":-1,"crc32":0}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":true,"crc32":0}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1.0,"crc32":0}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1e999,"crc32":0}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":99999999999999999999,"crc32":0}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"crc32":4294967296}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"crc32":1,"blake2sp":"00"}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"blake2sp":"00"}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"blake2sp":"' + b"zz" * 32 + b'"}]}',
        b'{"spent":[0,0],"findings":[],"members":[' + b",".join([b'{"size":1,"crc32":1}'] * 4) + b"]}",
        b'{"spent":[0,0],"findings":' + json.dumps([Code.RAR_LINK] * (len(Code) + 1)).encode() + b',"members":[]}',
        b'{"spent":[0],"findings":[],"members":[]}',
        b'{"spent":[4,0],"findings":[],"members":[]}',
        b'{"spent":[0,-1],"findings":[],"members":[]}',
        b'{"findings":[],"members":[]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"crc32":1,"place":[-1]}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"crc32":1,"place":1}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"crc32":1,"place":[' + b"0," * 64 + b"0]}]}",
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"crc32":1,"promise":"a name"}]}',
        b'{"spent":[0,0],"findings":[],"members":[{"size":1,"crc32":1,"promise":["pdf"]}]}',
        b"[" * 100_000,
        b'{"spent":[0,0],"findings":[],"members":[' + b"9" * 5000 + b"]}",
        b'{"spent":[0,0],"findings":[],"members":[]}' + b" " * BUDGETS.answer_bytes,
    ],
)
def test_any_other_answer_means_nothing(answer: bytes) -> None:
    with pytest.raises(UndecidableError) as caught:
        parse_examination(answer, BUDGETS)
    assert caught.value.reason is Reason.WORKER_FAILED


@given(st.binary(max_size=3000), st.integers(0, 3000))
def test_blake2sp_equals_the_one_of_rarfile(data: bytes, cut: int) -> None:
    ours = Blake2sp()
    ours.update(data[:cut])
    ours.update(data[cut:])
    assert ours.digest() == rarfile.Blake2SP(data).digest()
    assert ours.digest() != hashlib.blake2s(data).digest()
