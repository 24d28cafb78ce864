"""How tests are run: what they start can be interrupted, also where SIGINT is ignored (`make test &` in a script)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SLEEPER = "import time; print(flush=True); time.sleep(600)"
INTERRUPTED = f"""
import signal, subprocess, sys
def test_a_child_can_be_interrupted():
    with subprocess.Popen([sys.executable, "-c", {SLEEPER!r}], stdout=subprocess.PIPE) as child:
        try:
            child.stdout.readline()
            child.send_signal(signal.{{name}})
            assert child.wait(60) != 0
        finally:
            child.kill()
def test_the_tests_themselves_go_on():
    signal.raise_signal(signal.{{name}})
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGQUIT", "SIGHUP"])
def test_what_is_ignored_in_the_background_reaches_the_programs_that_tests_start(tmp_path: Path, name: str) -> None:
    file = tmp_path / "test_interrupted.py"
    file.write_text(INTERRUPTED.format(name=name))
    for shared in ("conftest.py", "slow.txt"):
        (tmp_path / shared).write_text((ROOT / "tests" / shared).read_text())
    options = ["-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    command = ["sh", "-c", f"trap '' {name.removeprefix('SIG')}; exec \"$@\"", "sh"]
    command += [sys.executable, "-m", "pytest", *options, str(file)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_every_line_of_slow_txt_names_a_test() -> None:
    for line in (ROOT / "tests" / "slow.txt").read_text().splitlines():
        name, _, test = line.partition("::")
        content = (ROOT / "tests" / name).read_text()
        first = re.split(r"::|\[", test)[0]
        assert re.search(rf"^(async def|def|class) {first}\b|^{first} = ", content, re.MULTILINE), line
