"""The HTML of every page and state that the other tests of this folder saw, through the W3C's own validator.

Invariant G8.
"""

import json
import subprocess

from tests.browser.conftest import Seen
from tests.worlds.oracles import npm_packages
from tests.worlds.waiting import WATCHDOG

STATES = {"form", "form-empty", "form-filled", "receipt", "return", "return-wrong", "case", "case-no-answer", "added"}
STATES |= {"deleted", "withdrawn", "withdraw-left", "too-large", "beyond-limits", "how", "privacy"}
STATES |= {"law", "accessibility"}


def test_everything_that_was_seen_is_valid_html(seen: Seen) -> None:
    missing = {f"{state}-{way}" for state in STATES for way in ("nb-plain", "en-script")} - seen.names
    assert not missing, "run the whole folder: the validator sees what the other tests saw"
    jar = npm_packages() / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-jar", str(jar), "--format", "json", "--stdout", "--exit-zero-always", str(seen.html)],
        capture_output=True,
        check=True,
        timeout=WATCHDOG,
    )
    messages = json.loads(done.stdout)["messages"]
    assert [(m["url"].rpartition("/")[2], m.get("lastLine"), m["message"]) for m in messages] == []


def test_the_validator_can_fail(seen: Seen, tmp_path: object) -> None:
    broken = seen.html.parent / "broken.html"
    broken.write_text('<!doctype html><html lang="en"><title>x</title><p id="a"><p id="a"><img>')
    jar = npm_packages() / "vnu-jar" / "build" / "dist" / "vnu.jar"
    command = ["java", "-jar", str(jar), "--format", "json", "--stdout", "--exit-zero-always", str(broken)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=WATCHDOG)
    assert len(json.loads(done.stdout)["messages"]) >= 2
