"""The one base of all failures that a correct program has to expect. Imports nothing, so that every station may.

It stands in the lowest room (ADR 0042): `keys` and `quarantine`, which import nothing else of ours, import this module.
"""


class ExpectedError(Exception):
    """Something outside this program is not as it should be; the message is one sentence for a person.

    What is neither an `ExpectedError` nor an `OSError` is a fault of ours, and `enveis.main` reports it as one.
    """
