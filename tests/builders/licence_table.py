"""The page docs/licences.md: what each installed package says of its own licence (`make licence-table`)."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_REQUIREMENT: Final = re.compile(r'^([A-Za-z0-9][\w.-]*).*?(?:;.*extra == ["\']([\w-]+)["\'])?$')
_STATED_MAX: Final = 60  # characters; beyond, the field holds a whole text

_HEAD: Final = """\
# Licences of what Enveis uses

Enveis is licensed under the EUPL-1.2 ([LICENSE](../LICENSE)).
The packages below are installed beside it and are not part of its wheel.
The tables come from the metadata of the packages that `requirements.lock` pins.
`make licence-table` writes this page, and a test compares it.
Why each package is there says [dependencies.md](dependencies.md).

"""
_REST: Final = """\
The lock files of npm, `tests/npm/package-lock.json` and `LICENSES/package-lock.json`, name the licence of each package.

## Debian packages that the program calls

They are separate programs, and Enveis contains no code of theirs.
Debian's own statement is in `/usr/share/doc/PACKAGE/copyright`.

| package | licence |
| --- | --- |
| `clamav-daemon` | GPL-2.0 |
| `unar` | LGPL-2.1-or-later |
"""


def stated_licence(package: str) -> str:
    """Return the licence that the installed package states, in its own words.

    Raises:
        PackageNotFoundError: The package is not installed here.
    """
    classifiers = [line for line in _field(package, "Classifier") if line.startswith("License ::")]
    for field in ("License-Expression", "License"):
        for stated in _field(package, field):
            if stated != "UNKNOWN" and len(stated) <= _STATED_MAX:
                return stated
    if classifiers:
        return ", ".join(line.rpartition(" :: ")[2] for line in classifiers)
    for file in distribution(package).files or []:
        if file.name.startswith(("LICENSE", "LICENCE")):
            text = file.locate()
            return f"not stated; its licence file begins with “{_first_line(Path(str(text)))}”"
    return "not stated"


def locked_packages() -> list[str]:
    """Return every package of requirements.lock, in its order."""
    lock = (ROOT / "requirements.lock").read_text("ascii")
    return re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE)


def needed_packages() -> set[str]:
    """Return what the gateway and the desk need, dependencies of dependencies included."""
    needed: set[str] = set()
    waiting = [name for name, extra in _requirements("enveis") if extra != "dev"]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [wanted for wanted, extra in _requirements(name) if not extra]
    # A requirement for another system or an older Python is not in the lock.
    return needed & set(locked_packages())


def licence_page() -> str:
    """Return docs/licences.md for the packages that are installed here."""
    needed = needed_packages()
    others = [name for name in locked_packages() if name not in needed]
    return (
        _HEAD
        + _table("What the gateway and the desk need", sorted(needed))
        + _table("Only for developing and testing", others)
        + _REST
    )


def _table(title: str, packages: list[str]) -> str:
    rows = [f"| `{name}` | {stated_licence(name)} |\n" for name in packages]
    return f"## {title}\n\n| package | licence, as it states it |\n| --- | --- |\n{''.join(rows)}\n"


def _requirements(package: str) -> list[tuple[str, str]]:
    try:
        lines = distribution(package).requires or []
    except PackageNotFoundError:
        return []
    found = [match for line in lines if (match := _REQUIREMENT.match(line))]
    return [(re.sub(r"[-_.]+", "-", match[1]).lower(), match[2] or "") for match in found]


def _field(package: str, name: str) -> list[str]:
    return [str(value) for value in distribution(package).metadata.get_all(name) or []]


def _first_line(path: Path) -> str:
    return next(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())


if __name__ == "__main__":
    print(licence_page(), end="")
