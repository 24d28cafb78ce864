"""The process that makes receipts: Argon2id is slow and takes 64 MiB, so it never runs in the gateway itself.

One line in ("fresh hybrid") gives one line of JSON out. It reads no file, holds nothing between two lines, and
ends when its input does.
"""

import json
import sys
from typing import Final

from gateway.hardening import harden_process
from keys.receipt import new_receipt_words, public_receipt
from keys.recipient import Kind

FRESH: Final = "fresh"


def main() -> int:
    """Answer requests until the gateway closes the pipe."""
    harden_process()
    for line in sys.stdin:
        command, _, kind = line.strip().partition(" ")
        if command != FRESH:
            return 2
        words = new_receipt_words()
        public = public_receipt(words, Kind(kind))
        answer = {
            "return_words": words.return_words,
            "proof_words": words.proof_words,
            "lookup": public.lookup,
            "recipient": public.recipient,
            "signing": public.signing,
            "proof": public.proof,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
