"""The one base of all failures that a correct program has to expect. Imports nothing, so that every station may.

It stands in the lowest room (ADR 0042): `keys` and `quarantine`, which import nothing else of ours, import this.
"""


class ExpectedError(Exception):
    """Something outside of this program is not as it should be; the message is one sentence for a person.

    What is no `ExpectedError` and no `OSError` is a fault of ours, and `enveis.main` reports it as one.
    """
