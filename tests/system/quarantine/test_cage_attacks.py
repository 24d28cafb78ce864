"""No attack leaves the cage, and each layer that should stop one does so alone.

Every attack is tried on the whole cage, on a cage without the layers that stop it (it must succeed then: that is
what shows that the test can fail), and on cages where one of these layers is put back. By root and by an unprivileged
user, with the kernel's Landlock and with that of Debian 12's kernel.

Invariant Q1.
"""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from quarantine.cage.attacks import ATTACKS
from quarantine.cage.landlock import landlock_abi
from quarantine.cage.layers import Layer
from quarantine.workers.cage_test import AttackOutcome
from quarantine.workers.zygote_client import ZygoteClient
from tests.worlds.cage_attacks import Case, cases

ROOT = Path(__file__).parents[3]
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
ABIS = sorted({2, landlock_abi()})
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
# Where the checkout lies in a folder that only root enters: may read it, and nothing else that root may.
MAY_READ = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


def can_run(prefix: list[str]) -> bool:
    # Twice: the first exec is still the privileged user's.
    script = f"import subprocess; subprocess.run([{sys.executable!r}, '-I', '-c', 'import quarantine'], check=True)"
    command = [*prefix, sys.executable, "-B", "-c", script]
    return subprocess.run(command, cwd=ROOT, check=False, stderr=subprocess.DEVNULL).returncode == 0


@functools.cache
def prefix_of(user: str) -> tuple[str, ...]:
    if (user == "root") == (os.geteuid() == 0):
        return ()
    if user == "root":
        pytest.skip("not run by root")
    plain = can_run(NOBODY)
    return tuple(NOBODY if plain else [*NOBODY, *MAY_READ])


@functools.cache
def has_namespaces() -> bool:
    with ZygoteClient() as zygote:
        return zygote.start().namespaces


@functools.cache
def outcomes(user: str, abi: int) -> dict[Case, str]:
    command = [*prefix_of(user), sys.executable, "-B", "-m", "tests.worlds.cage_attacks", str(abi)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return {
        Case(line["attack"], frozenset(map(Layer, line["without"]))): line["outcome"]
        for line in json.loads(done.stdout)
    }


@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize("user", ["root", "nobody"])
@pytest.mark.parametrize("name", ATTACKS)
def test_the_cage_holds_and_every_layer_alone(name: str, user: str, abi: int) -> None:
    seen = outcomes(user, abi)
    whole, none, alone = cases(name, abi=abi, as_root=user == "root")
    assert AttackOutcome(seen[whole]).is_stopped
    if ATTACKS[name].only_for_root and user != "root":
        return
    if name == "ptrace" and YAMA.exists() and YAMA.read_text().strip() != "0":
        pytest.skip("this kernel lets nobody trace a parent")
    assert seen[none] == AttackOutcome.SUCCEEDED, "an attack that never succeeds shows nothing"
    for layer, case in alone.items():
        if layer is Layer.NAMESPACES and not has_namespaces():
            continue  # an extra that this machine does not give (in a chroot or a container); nothing to try alone
        assert seen[case] != AttackOutcome.SUCCEEDED, f"{layer} alone does not stop it"


def test_where_namespaces_are_forbidden_the_rest_holds() -> None:
    # As on Ubuntu, which lets no unprivileged user make any.
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec "
    if subprocess.run(
        ["unshare", "-Ur", "sh", "-c", forbid + "true"], check=False, stderr=subprocess.DEVNULL
    ).returncode:
        pytest.skip("this machine has no user namespaces to begin with")
    script = (
        "from quarantine.workers.zygote_client import ZygoteClient\n"
        "from quarantine.workers.cage_test import prove_cage\n"
        "with ZygoteClient() as zygote:\n"
        "    print(zygote.start().namespaces, all(result.outcome.is_stopped for result in prove_cage(zygote)))"
    )
    command = ["unshare", "-Ur", "sh", "-c", f'{forbid} "$@"', "sh", sys.executable, "-B", "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
