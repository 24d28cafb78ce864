"""The cage in which a gateway has files read: started before any key is, and proven before any file comes."""

from collections.abc import Callable
from typing import Final

from audit.operational_log import LogEvent, log
from gateway.errors import GatewayError
from gateway.home.config import UNCAGED, GatewayConfig
from quarantine.cage.layers import REQUIRED, Cage, Layer, missing_layers
from quarantine.errors import CageError
from quarantine.file_types import PICTURES
from quarantine.workers.cage_test import AttackResult, prove_cage
from quarantine.workers.zygote_client import ZygoteClient

_ADVICE: Final = (
    "with inspection = false, files are accepted without inspection, and all of them are held, locked at the desk "
    "until a person decides"
)


def start_cage(
    config: GatewayConfig, *, missing: Callable[[], tuple[Layer, ...]] = missing_layers
) -> ZygoteClient | None:
    """Start the zygote and prove its cage; None where inspection is switched off.

    Raises:
        GatewayError: The cage cannot be built or does not withstand its test, and the settings do not accept that.
        CageError: They do, and still no worker can be started.

    Invariant G22.
    """
    if not config.inspection:
        return None
    accepted = config.uncaged_inspection == UNCAGED
    pictures = not PICTURES.isdisjoint(config.allowed_types)
    absent = missing()
    if absent and not accepted:
        raise GatewayError(f"this kernel does not have {' and '.join(absent)}, so files cannot be caged; {_ADVICE}")
    try:
        zygote, broken = _start(Cage(frozenset(absent)), pictures=pictures)
    except CageError as error:
        if not accepted:
            raise GatewayError(f"{error}; {_ADVICE}") from None
        # What the kernel has cannot be used, as in some containers.
        zygote, broken = _start(Cage(frozenset(REQUIRED)), pictures=pictures)
    if broken and not accepted:
        zygote.close()
        raise GatewayError(f"{_describe(broken)}; {_ADVICE}")
    log(LogEvent.CAGE_BROKEN if broken else LogEvent.CAGE_PROVEN)
    return zygote


def _start(cage: Cage, *, pictures: bool) -> tuple[ZygoteClient, list[AttackResult]]:
    """Return a zygote and the attacks that its cage does not stop."""
    zygote = ZygoteClient(cage, pictures=pictures)
    try:
        return zygote, [result for result in prove_cage(zygote) if not result.outcome.is_stopped]
    except BaseException:
        zygote.close()
        raise


def _describe(broken: list[AttackResult]) -> str:
    return (
        f"the cage does not withstand attacks here: a file could {' and '.join(result.sentence for result in broken)}"
    )
