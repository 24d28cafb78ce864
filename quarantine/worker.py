"""The process that reads a stranger's archive: one file in, one bounded JSON out, then it is gone.

    python -I -B -m quarantine.worker TYPE FD BUDGETS

It ties its own hands before it opens the file. Whatever happens to it, its parent reads an answer of the
closed form, or concludes nothing.
"""

import io
import json
import sys

from quarantine.budgets import Budgets
from quarantine.confine import confine
from quarantine.examination import encode_examination
from quarantine.examine import check_of, examine_bytes
from quarantine.types import FileType


def main(arguments: list[str]) -> None:
    """Examine the file under descriptor FD and print the examination."""
    fd = int(arguments[1])
    kind, budgets = FileType(arguments[0]), Budgets(**json.loads(arguments[2]))
    # The parser is loaded before the limits are set, from our own environment.
    check_of(kind)
    confine(cpu_seconds=budgets.worker_cpu, memory_bytes=budgets.worker_memory)
    with io.BufferedReader(io.FileIO(fd)) as stream:
        answer = encode_examination(examine_bytes(stream, kind, budgets))
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
