"""`enveis completion`: print the script that completes commands and arguments in a shell."""

from argparse import Namespace
from pathlib import Path
from typing import Final

from enveis.command import Command
from enveis.terminal import Terminal

SCRIPTS: Final = Path(__file__).parent
BASH: Final = SCRIPTS / "enveis.bash"
ZSH: Final = SCRIPTS / "enveis.zsh"


def _bash(_: Namespace, terminal: Terminal) -> int:
    return _print(BASH, terminal)


def _zsh(_: Namespace, terminal: Terminal) -> int:
    return _print(ZSH, terminal)


def _print(script: Path, terminal: Terminal) -> int:
    text = script.read_text("utf-8")
    if terminal.as_json:
        terminal.answer({"script": text})
    else:
        terminal.say(*text.splitlines())
    return 0


COMMANDS = (
    Command("bash", "print it: enveis completion bash > ~/.local/share/bash-completion/completions/enveis", _bash),
    Command("zsh", "print it: enveis completion zsh > DIR/_enveis, where DIR is one of $fpath before compinit", _zsh),
)
