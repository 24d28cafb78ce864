"""Completion in bash and zsh: the scripts fit the commands, and real shells complete what somebody types."""

import shutil
import subprocess
from pathlib import Path

import pytest

from enveis.completion.command import BASH, ZSH
from enveis.completion.generate import generate
from tests.worlds.waiting import WATCHDOG

# Calls the function as bash does for a word that is being typed; `compopt` works only while one is.
TYPED = """
source "$1"; shift
compopt() { printf 'by readline: %s\\n' "$2"; }
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_enveis
printf '%s\\n' "${COMPREPLY[@]}"
"""
# A completion function of zsh runs in its line editor only, so one is started on a terminal of its own.
IN_ZSH = """
zmodload zsh/zpty
zpty typing "PS1= TERM=dumb zsh -f -i"
zpty -w typing "fpath=($1 \\$fpath); autoload -U compinit; compinit -u -D; print REA''DY"
zpty -r -m typing seen '*READY*'
zpty -w -n typing "$2"$'\\t'
zpty -r -m typing seen "*$3*" && print found
zpty -d typing
"""


def offered(*words: str) -> list[str]:
    command: list[str | Path] = ["bash", "--norc", "-c", TYPED, "bash", BASH, "enveis", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=WATCHDOG)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def test_the_scripts_are_those_of_todays_commands() -> None:
    texts = (BASH.read_text("utf-8"), ZSH.read_text("utf-8"))
    assert texts == generate(), "an argument was changed: make completion"


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["ga"], ["gateway"]),
        (["desk", "in"], ["init", "inbox"]),
        (["--home", "x", "desk", "op"], ["open"]),
        (["--home", "=", "x", "desk", "--json", "op"], ["open"]),
        (["--vers"], ["--version"]),
        (["desk", "--vers"], []),
        (["run", "--st"], ["--stick"]),
        (["desk", "open", "--home", "inbox", "--he"], ["--help", "--held"]),
        (["transfer", "export", "--lane", ""], ["clear", "held"]),
        (["transfer", "export", "--lane", "=", "h"], ["held"]),
        (["transfer", "export", "--lane", "="], ["clear", "held"]),
        (["transfer", "export", "--lane", "held", ""], ["by readline: dirnames"]),
        (["transfer", "export", "--ho"], ["--home"]),
        (["transfer", "acknowledge", "--missing", "a", "b", "--an"], ["--answers"]),
        (["desk", "open", ""], []),
        (["desk", "verify-proof", ""], ["by readline: default"]),
        (["desk", "verify-proof", "proof", ""], []),
        (["audit", "verify", "--heads", "a", "b"], ["by readline: default"]),
        (["quarantine", "inspect", "a", "b"], ["by readline: default"]),
        (["unknown", "unknown", ""], []),
    ],
)
def test_what_bash_offers(words: list[str], completed: list[str]) -> None:
    assert offered(*words) == completed


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(
    ("typed", "added"),
    [
        ("enveis gat", "eway"),
        ("enveis desk op", "en"),
        ("enveis --home x desk op", "en"),
        ("enveis transfer export --lane=h", "eld"),
        ("enveis transfer export --lane h", "eld"),
        ("enveis desk pair --y", "es"),
        ("enveis desk reply x --state in", "-work"),
        ("enveis completion b", "ash"),
    ],
)
def test_what_zsh_completes(tmp_path: Path, typed: str, added: str) -> None:
    shutil.copyfile(ZSH, tmp_path / "_enveis")
    command: list[str | Path] = ["zsh", "-f", "-c", IN_ZSH, "zsh", tmp_path, typed, typed + added]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=WATCHDOG)
    assert done.stdout == "found\n"
