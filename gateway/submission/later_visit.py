"""A source who adds to a case: keys are derived from the return words, and sign what is sent.

Nobody here knows whether there is such a case, so all is the same for return words that were never given out.
"""

from dataclasses import replace

from gateway.form import WORDS_FIELD, Fields
from gateway.limits import Limits
from gateway.problems import Problem, SubmissionError
from gateway.receipts.return_keys import DeriverBusyError, spelled
from gateway.station import Station
from gateway.submission.errand import Carried
from keys.receipt import ReturnSecrets
from keys.words import WordsError
from transfer.bundle.contents import Grant
from transfer.packet.manifest import Manifest, PacketPurpose, ReceiptNote
from transfer.packet.visit_signature import sign_visit


class LaterVisit:
    """The errand of `POST /add`."""

    purpose = PacketPurpose.ADDITION

    def __init__(self, station: Station) -> None:
        self._station = station
        self._secrets: ReturnSecrets | None = None
        self.words = ""  # in the spelling of a page's hidden field, once they were parsed

    async def wider(self, fields: Fields) -> Limits:
        """Return the limits that the desk granted to this case, or the ordinary ones.

        Raises:
            SubmissionError: What was typed is not return words, or keys cannot be derived now.
        """
        secrets = await self._derive(fields)
        return limits_with(self._station.limits, self._station.mail.grant(secrets.lookup))

    async def carried(self, fields: Fields) -> Carried:
        """Return what the return words lead to.

        Raises:
            SubmissionError: What was typed is not return words, or keys cannot be derived now.
        """
        return Carried(later_note(await self._derive(fields)))

    def signed(self, manifest: Manifest, message: bytes) -> Manifest:
        """Return the manifest with the signature of the receipt's key."""
        if self._secrets is None:
            raise RuntimeError("a later visit is signed after its keys were derived")
        return replace(manifest, visit=sign_visit(self._secrets.signing_seed, manifest, message))

    async def _derive(self, fields: Fields) -> ReturnSecrets:
        words = fields.first(WORDS_FIELD)
        try:
            if self._secrets is None:
                # It sends something, so it has a place, however many sources come back for replies.
                self._secrets = await self._station.deriver.derive(words, has_place=True)
            self.words = spelled(words)
        except WordsError:
            raise SubmissionError(Problem.WORDS, fields=fields) from None
        except DeriverBusyError:
            raise SubmissionError(Problem.BUSY, fields=fields) from None
        return self._secrets


def later_note(secrets: ReturnSecrets) -> ReceiptNote:
    """Return the public halves that return words lead to, as a later packet carries them."""
    return ReceiptNote(lookup=secrets.lookup, recipient=str(secrets.recipient), signing=secrets.signing, proof="")


def limits_with(limits: Limits, grant: Grant | None) -> Limits:
    """Return the limits with this grant: never smaller than the ordinary ones."""
    if grant is None:
        return limits
    return replace(
        limits,
        files_max=max(limits.files_max, grant.files_max),
        file_max_bytes=max(limits.file_max_bytes, grant.file_max_bytes),
        tables=grant.tables,
    )
