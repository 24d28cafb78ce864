"""The process that turns return words into keys: Argon2id is slow and takes 64 MiB, so it never runs in the gateway.

One line in gives one line of JSON out: `fresh hybrid` makes a receipt, `return NUMBER` derives the keys of a
return number in hexadecimal. The process reads no file, keeps nothing between two lines, and ends when its input does.
The gateway runs two of them, so that a source who comes back never delays one who sends; with `--nice` the process
lets others go first.
"""

import json
import os
import sys
from typing import Final

from gateway.hardening import harden_process
from keys.receipt import derive_return_keys, new_receipt_words, public_receipt
from keys.recipient import KeyKind

FRESH: Final = "fresh"
RETURN: Final = "return"
NICE: Final = "--nice"
_NICENESS: Final = 10  # nice(2)


def main(arguments: list[str]) -> int:
    """Answer requests until the gateway closes the pipe."""
    harden_process()
    if arguments == [NICE]:
        os.nice(_NICENESS)
    for line in sys.stdin:
        match line.split():
            case [command, kind] if command == FRESH:
                answer = _fresh(KeyKind(kind))
            case [command, number] if command == RETURN:
                answer = _return(int(number, 16))
            case _:
                return 2
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


def _fresh(kind: KeyKind) -> dict[str, str]:
    words = new_receipt_words()
    public = public_receipt(words, kind)
    return {
        "return_words": words.return_words,
        "proof_words": words.proof_words,
        "lookup": public.lookup,
        "recipient": public.recipient,
        "signing": public.signing,
        "proof": public.proof,
    }


def _return(number: int) -> dict[str, str]:
    keys = derive_return_keys(number)
    return {
        "lookup": keys.lookup,
        "recipient_secret": keys.recipient_secret.hex(),
        "signing_seed": keys.signing_seed.hex(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
