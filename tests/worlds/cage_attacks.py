"""Attacks a cage with every combination of layers that says something; prints what came of it as JSON.

    python -m tests.worlds.cage_attacks ABI

A program of its own, so that a test can run it as another user.
"""

import contextlib
import json
import os
import sys
from dataclasses import dataclass

from quarantine.cage.attacks import ATTACKS
from quarantine.cage.layers import Cage, Layer
from quarantine.memfd import SealedMemfd, seal_bytes_in_memory
from quarantine.workers.cage_test import attack, open_targets
from quarantine.workers.zygote_client import ZygoteClient


@dataclass(frozen=True)
class Case:
    """One attack on one cage."""

    attack: str
    without: frozenset[Layer]


def stopped_by(name: str, *, abi: int, as_root: bool) -> frozenset[Layer]:
    """Return the layers each of which stops this attack alone, on such a kernel and by such a user."""
    known = ATTACKS[name]
    layers = known.stopped_by if as_root else known.stopped_by | known.not_for_root
    if known.landlock_from is not None and abi >= known.landlock_from:
        layers |= {Layer.LANDLOCK}
    return layers


def cases(name: str, *, abi: int, as_root: bool) -> tuple[Case, Case, dict[Layer, Case]]:
    """Return an attack on the whole cage, on one without all layers that stop it, and on each of these alone."""
    layers = stopped_by(name, abi=abi, as_root=as_root)
    alone = {layer: Case(name, layers - {layer}) for layer in layers}
    return Case(name, frozenset()), Case(name, layers), alone


def main(abi: int) -> None:
    """Run all cases and print their outcomes."""
    as_root = os.geteuid() == 0
    wanted: dict[frozenset[Layer], set[str]] = {}
    for name in ATTACKS:
        whole, none, alone = cases(name, abi=abi, as_root=as_root)
        for case in (whole, none, *alone.values()):
            wanted.setdefault(case.without, set()).add(name)
    outcomes = []
    for without, names in wanted.items():
        with contextlib.closing(ZygoteClient(Cage(without, abi))) as zygote:
            outcomes += [
                {"attack": name, "without": sorted(without), "outcome": attempt(zygote, name, without)}
                for name in sorted(names)
            ]
    json.dump(outcomes, sys.stdout)


def attempt(zygote: ZygoteClient, name: str, without: frozenset[Layer]) -> str:
    """Return the outcome of one attack, with fresh targets."""
    with open_targets() as targets, unsealed() if Layer.SEALS in without else seal_bytes_in_memory(b"text") as memfd:
        return attack(zygote, name, targets[name], memfd)


def unsealed() -> SealedMemfd:
    """Return a file in memory that can still be changed."""
    fd = os.memfd_create("enveis")
    os.write(fd, b"text")
    return SealedMemfd(fd, 4)


if __name__ == "__main__":
    main(int(sys.argv[1]))
