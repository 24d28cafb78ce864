"""The gateway's home directory: its own signing key, public halves of everyone else, settings and spool.

No key that opens a packet is ever here. `init` makes all of it or nothing and never overwrites.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from audit.events import Event
from audit.log import AuditLog
from disk.durable import is_private, make_home, make_private_folder, write_new
from disk.settings import read_settings
from gateway.config import GatewayConfig, encode_config
from gateway.errors import GatewayError
from gateway.way_back import WayBack
from keys.errors import KeyMaterialError
from keys.recipient import Recipient, parse_recipients
from keys.signing import SigningKey, VerifyKey, parse_signing_key, parse_verify_key
from transfer.names import Lane
from transfer.pairing import LINK_KEY_SIZE, Pairing, encode_pairing, parse_pairing

KEY_FILE_MAX: Final = 64 * 1024  # bytes; eight hybrid recipients take 16 KiB

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GatewayMaterial:
    """What a gateway works with, all of it checked."""

    config: GatewayConfig
    recipients: tuple[Recipient, ...]
    signing_key: SigningKey
    desk_key: VerifyKey

    @property
    def gateway(self) -> str:
        """This gateway's id: its key id in lowercase, 16 hexadecimal digits."""
        return self.signing_key.public.key_id.lower()


@dataclass(frozen=True, slots=True)
class GatewayHome:
    """Where everything of one gateway lies."""

    root: Path

    @property
    def key(self) -> Path:
        """The gateway's secret signing key (minisign)."""
        return self.root / "gateway.key"

    @property
    def public_key(self) -> Path:
        """The gateway's public key (minisign)."""
        return self.root / "gateway.pub"

    @property
    def pairing(self) -> Path:
        """What the desk needs to trust this gateway."""
        return self.root / "gateway.pairing"

    @property
    def config(self) -> Path:
        """The settings."""
        return self.root / "gateway.toml"

    @property
    def recipients(self) -> Path:
        """The public keys that packets are sealed to."""
        return self.root / "recipients.txt"

    @property
    def desk_key(self) -> Path:
        """The public key of the desk whose replies are believed."""
        return self.root / "desk.pub"

    @property
    def audit(self) -> Path:
        """The audit log."""
        return self.root / "audit.jsonl"

    @property
    def outbox(self) -> Path:
        """The ledger of batches."""
        return self.root / "outbox.sqlite"

    @property
    def way_back(self) -> Path:
        """What the desk's newest bundle brought, and what was deleted of it."""
        return self.root / "way-back.sqlite"

    @property
    def metrics(self) -> Path:
        """The socket with rounded counts, unless the settings name another."""
        return self.root / "metrics.sock"

    @property
    def spool(self) -> Path:
        """The folder of sealed packets."""
        return self.root / "spool"

    def load_config(self) -> GatewayConfig:
        """Read the settings only: what must be up before any key is read needs them.

        Raises:
            GatewayError: Not a gateway's home.
            disk.settings.SettingsError: The settings cannot be used.
        """
        if not self.config.exists():
            raise GatewayError(f"{self.root} is not a gateway's home: make one with 'enveis gateway init'")
        return read_settings(self.config, GatewayConfig)

    def load(self) -> GatewayMaterial:
        """Read and check everything.

        Raises:
            GatewayError: Not a gateway's home, a wrong or unreadable file, a secret that others may read.
            disk.settings.SettingsError: The settings cannot be used.
        """
        config = self.load_config()
        for secret in (self.key, self.pairing):
            if secret.exists() and not is_private(secret):
                raise GatewayError(f"{secret} can be read by others on this machine: chmod 600 {secret}")
        material = GatewayMaterial(
            config=config,
            recipients=_parsed(self.recipients, parse_recipients),
            signing_key=_parsed(self.key, parse_signing_key),
            desk_key=_parsed(self.desk_key, parse_verify_key),
        )
        if _parsed(self.public_key, parse_verify_key) != material.signing_key.public:
            raise GatewayError(f"{self.public_key} does not belong to {self.key.name}")
        return material

    def load_pairing(self) -> Pairing:
        """Read `gateway.pairing`, whose fingerprint words are compared with the desk's."""
        return parse_pairing(self.pairing.read_bytes()[: KEY_FILE_MAX + 1])


def init(home: GatewayHome, *, recipients: Path, desk_key: Path, config: GatewayConfig) -> Pairing:
    """Make a new gateway's home, with keys of its own, for the desk behind `recipients` and `desk_key`.

    Raises:
        GatewayError: A file handed in is not what it should be.
        FileExistsError: There is something in the home already; nothing was changed.
    """
    to = _parsed(recipients, parse_recipients)
    desk = _parsed(desk_key, parse_verify_key)
    signing = SigningKey.generate()
    pairing = Pairing(signing.public, secrets.token_bytes(LINK_KEY_SIZE))

    def build(folder: Path) -> None:
        new = GatewayHome(folder)
        write_new(new.key, [signing.encode().encode()])
        write_new(new.public_key, [signing.public.encode().encode()])
        write_new(new.pairing, [encode_pairing(pairing)])
        # Written anew from what was parsed: comments of the file handed in do not come along.
        write_new(new.recipients, [f"{recipient}\n".encode() for recipient in to])
        write_new(new.desk_key, [desk.encode().encode()])
        write_new(new.config, [encode_config(config).encode()])
        for lane in ("incoming", "withdrawable", *Lane):
            make_private_folder(new.spool / lane)
        WayBack(new.way_back).begin()
        log = AuditLog(new.audit, today=lambda: datetime.now(UTC).date())
        log.append(Event.KEYS_CREATED, digest=hashlib.sha256(signing.public.raw).hexdigest())

    make_home(home.root, build)
    return pairing


def _parsed(path: Path, parse: Callable[[str], T]) -> T:
    try:
        with path.open("rb") as stream:
            content = stream.read(KEY_FILE_MAX + 1)
        if len(content) > KEY_FILE_MAX:
            raise GatewayError(f"{path}: is too large for a key file")
        return parse(content.decode("ascii"))
    except OSError as error:
        raise GatewayError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise GatewayError(f"{path}: is not a text file of keys") from None
    except KeyMaterialError as error:
        raise GatewayError(f"{path}: {error}") from None
