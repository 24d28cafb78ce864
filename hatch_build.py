"""The build's check of the licence: no wheel and no source distribution is made without the text of the EUPL."""

import hashlib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TEXT = Path("LICENSES", "EUPL-1.2.txt")
DIGEST = Path("LICENSES", "EUPL-1.2.txt.sha256")  # as sha256sum writes it


class LicenceHook(BuildHookInterface[Any]):
    """Refuses a build that would leave the licence's text behind: article 5 requires it with every copy of the work."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  (the signature is hatchling's)
        """Raise RuntimeError unless `make licence` has put the verified text in its place."""
        # An editable install copies nothing: it points at this folder. It needs no network for the licence either.
        if version == "editable":
            return
        root = Path(self.root)
        digest = (root / DIGEST).read_text("ascii").split()[0]
        if not (root / TEXT).is_file() or hashlib.sha256((root / TEXT).read_bytes()).hexdigest() != digest:
            raise RuntimeError(f"{TEXT} is missing or altered; run `make licence` first")
