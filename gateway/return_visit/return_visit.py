"""`/return` and `/delete-replies`: what is done for a source who comes back, up to the view of the page.

For return words that nobody was ever given, and for a case without replies, the same is done with the same files and
keys, in the same order: derive, look up in memory, seal a decoy, open what is there or the decoy. There is no other way
to learn here whether return words belong to somebody, and the gateway itself does not know.
"""

import asyncio
from typing import Final

from aiohttp import StreamReader

from audit.operational_log import LogEvent, log
from gateway.errors import GatewayError
from gateway.form import FORM_FIELD, WORDS_FIELD, Fields
from gateway.reading.request_body import Body
from gateway.reading.short_form import read_short_form
from gateway.receipts.return_keys import DeriverBusyError, spelled
from gateway.replies.reply_store import SealedReply
from gateway.return_visit.sealed_request import deletion_request
from gateway.station import Station
from gateway.submission.later_visit import limits_with
from gateway.submission.repeats import Earlier
from gateway.views import (
    CaseLimits,
    CaseView,
    DeletedView,
    ReplyView,
    ReturnProblem,
    ReturnView,
)
from keys.receipt import ReturnSecrets
from keys.words import WordsError, WordsFault
from transfer.bundle.reply import Reply, State, new_reply_id, open_reply, seal_reply
from transfer.errors import ReplyError, TransferError
from transfer.packet.request import Asks

BUNDLES_EVERY: Final = 30.0  # seconds until a gateway that runs sees what accept-bundle brought
_PROBLEMS: Final = {
    WordsFault.COUNT: ReturnProblem.COUNT,
    WordsFault.UNKNOWN: ReturnProblem.UNKNOWN_WORD,
    WordsFault.MISMATCH: ReturnProblem.MISMATCH,
    WordsFault.PROOF: ReturnProblem.PROOF_WORDS,
}


async def open_case(station: Station, stream: StreamReader, body: Body) -> CaseView | ReturnView:
    """Return the case behind the return words that were posted, or why they lead nowhere.

    Raises:
        SubmissionError: The request could not be read.
        ConnectionError: The visitor went away.
    """
    fields = await read_short_form(stream, body, station.pace, station.texts, {WORDS_FIELD})
    found = await _derive(station, fields)
    if isinstance(found, ReturnView):
        return found
    await _reload(station)
    replies, unreadable = _opened(station, found)
    return CaseView(
        words=spelled(fields.first(WORDS_FIELD)),
        replies=replies,
        limits=case_limits(station, found.lookup),
        unreadable=unreadable,
    )


async def delete_replies(station: Station, stream: StreamReader, body: Body) -> DeletedView | ReturnView:
    """Delete the replies to the return words that were posted, here and, by a sealed request, at the desk.

    The desk is asked only where replies are here; where none are, the same is done all the same.

    Raises:
        SubmissionError: The request could not be read, or there is no space for what goes to the desk: then nothing
            was deleted.
        ConnectionError: The visitor went away.
    """
    fields = await read_short_form(stream, body, station.pace, station.texts, {WORDS_FIELD, FORM_FIELD})
    found = await _derive(station, fields)
    if isinstance(found, ReturnView):
        return found
    words = spelled(fields.first(WORDS_FIELD))
    mark = station.repeats.mark(fields.first(FORM_FIELD), Asks.DELETE_REPLIES, words)
    async with station.repeats.attempt(mark) as attempt:
        if attempt.earlier is not None:
            return DeletedView(attempt.earlier.day, words)
        await _reload(station)
        # In this order: cut off in between, the desk deletes, and its next bundle no longer has them.
        held = station.mail.replies(found.lookup)
        await station.requests.put(deletion_request(station, found, held))
        await station.requests.deletions.put(found.lookup, is_ours=bool(held))
        attempt.remember(Earlier(station.today()))
        return DeletedView(station.today(), words)


def case_limits(station: Station, lookup: str) -> CaseLimits:
    """Return what may be added to this case in one go."""
    grant = station.mail.grant(lookup)
    limits = limits_with(station.limits, grant)
    until = None if grant is None else grant.expires
    granted = grant is not None
    return CaseLimits(limits.files_max, limits.file_max_bytes, granted=granted, until=until, tables=limits.tables)


def explain(untrusted_words: str) -> ReturnView | None:
    """Return why what was typed is not return words; None when it is."""
    try:
        spelled(untrusted_words)
    except WordsError as error:
        return _explained(error, untrusted_words)
    return None


async def _derive(station: Station, fields: Fields) -> ReturnSecrets | ReturnView:
    words = fields.first(WORDS_FIELD)
    try:
        return await station.deriver.derive(words)
    except WordsError as error:
        return _explained(error, words)
    except DeriverBusyError:
        return ReturnView(ReturnProblem.BUSY, untrusted_words=words)


def _explained(error: WordsError, untrusted_words: str) -> ReturnView:
    problem = _PROBLEMS[error.fault]
    if not untrusted_words.strip():
        problem = ReturnProblem.NONE_TYPED
    return ReturnView(
        problem,
        position=error.position or 0,
        likely=error.likely,
        wanted=error.wanted,
        found=error.found,
        # Proof words were never meant to come here. At least they are not sent back over the line.
        untrusted_words="" if problem is ReturnProblem.PROOF_WORDS else untrusted_words,
    )


async def watch_bundles(station: Station) -> None:
    """Take over what `accept-bundle` brought, also while nobody comes back: the front page shows its counters."""
    while True:
        await asyncio.sleep(BUNDLES_EVERY)
        await _reload(station)


async def _reload(station: Station) -> None:
    try:
        await asyncio.to_thread(station.mail.reload_if_changed)
    except (TransferError, GatewayError, OSError) as fault:
        # What was known before is shown; the operator's next command reports what is wrong.
        log(LogEvent.FAULT, fault=fault)


def _opened(station: Station, secrets: ReturnSecrets) -> tuple[tuple[ReplyView, ...], int]:
    """Open the replies to these return words, oldest first; count those that do not open."""
    sealed = station.mail.replies(secrets.lookup)
    decoy = _decoy(station, secrets)
    opened, unreadable = list[Reply](), 0
    for one in sealed or (decoy,):
        try:
            opened.append(open_reply(one.sealed, [secrets.reply_key], reply_id=one.id, lookup=one.lookup))
        except ReplyError:
            unreadable += 1
    shown = sorted((reply for reply in opened if reply.id != decoy.id), key=lambda reply: (reply.day, reply.id))
    return tuple(ReplyView(reply.day, reply.state, reply.text) for reply in shown), unreadable


def _decoy(station: Station, secrets: ReturnSecrets) -> SealedReply:
    """Return a reply that nobody sent, so that to open one is not the sign of a case."""
    today = station.today()
    reply = Reply(new_reply_id(), secrets.lookup, today, State.RECEIVED, "")
    return SealedReply(reply.id, secrets.lookup, today, seal_reply(reply, secrets.recipient))
