"""The desk's home directory: the identity that packets are sealed to, the desk's signing key, inbox and ledger.

`init_desk` makes all of it or nothing and never overwrites. A backup identity is written elsewhere, once: without
one, whoever loses `identity.txt` loses every packet.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from audit.clock import Clock
from audit.events import Event
from audit.log import AuditLog
from audit.utc_day import utc_today
from desk.config import DeskConfig, encode_desk_config
from desk.errors import DeskError
from disk.durable import is_private, make_home, make_private_folder, write_new
from disk.handed_over import HandedOverError, read_handed_over
from disk.settings import read_settings
from keys.errors import KeyMaterialError
from keys.generation import sign_recipients
from keys.identity import Identity, encode_identity_file, generate_identity, read_identities
from keys.recipient import KeyKind, Recipient, encode_recipients, parse_recipients
from keys.signing import SigningKey, VerifyKey, parse_signing_key, parse_verify_key
from transfer.names import PacketId
from transfer.pairing import PAIRING_MAX, Pairing, PairingError, encode_pairing, parse_pairing

KEY_FILE_MAX: Final = 64 * 1024  # bytes; eight hybrid recipients take 16 KiB

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DeskHome:
    """Where everything of one desk lies."""

    root: Path

    @property
    def identity(self) -> Path:
        """The secret that opens packets."""
        return self.root / "identity.txt"

    @property
    def recipients(self) -> Path:
        """Its public half, and the backup's: what gateways need."""
        return self.root / "recipients.txt"

    @property
    def signature(self) -> Path:
        """The desk's signature over `recipients`, with the number of their generation."""
        return self.root / "recipients.txt.minisig"

    @property
    def former(self) -> Path:
        """Public halves of earlier generations and of earlier keys of the desk."""
        return self.root / "former"

    @property
    def key(self) -> Path:
        """The desk's secret signing key (minisign)."""
        return self.root / "desk.key"

    @property
    def public_key(self) -> Path:
        """The desk's public key (minisign): what gateways need."""
        return self.root / "desk.pub"

    @property
    def config(self) -> Path:
        """The settings."""
        return self.root / "desk.toml"

    @property
    def inbox(self) -> Path:
        """The sealed packets that arrived."""
        return self.root / "inbox"

    @property
    def gateways(self) -> Path:
        """What is known about each trusted gateway."""
        return self.root / "gateways"

    @property
    def audit(self) -> Path:
        """The desk's own audit log."""
        return self.root / "audit.jsonl"

    @property
    def arrivals(self) -> Path:
        """The ledger of batches."""
        return self.root / "arrivals.sqlite"

    @property
    def visits(self) -> Path:
        """Public halves of the packets that were opened: which of them belong together."""
        return self.root / "visits.sqlite"

    @property
    def reply_book(self) -> Path:
        """Sealed replies, grants and counters that the next bundles carry."""
        return self.root / "replies.sqlite"

    @property
    def reading(self) -> Path:
        """The lock that commands share which read a packet, and that erasing one holds alone."""
        return self.root / "reading.lock"

    def packet(self, packet_id: PacketId) -> Path:
        """Where a packet of that id lies when it has arrived."""
        return self.inbox / f"{packet_id}.age"

    def log(self, today: Callable[[], date] | None = None) -> AuditLog:
        """The desk's audit log, to append to."""
        return AuditLog(self.audit, today=today or utc_today)

    def clock(self, today: Callable[[], date] | None = None) -> Clock:
        """This machine's clock, compared with the desk's own log: a gateway's day never counts here."""
        return Clock(self.log(today), today=today)

    def load_config(self) -> DeskConfig:
        """Read the settings.

        Raises:
            DeskError: This is not a desk's home.
            disk.settings.SettingsError: They cannot be used.
        """
        self.check()
        return read_settings(self.config, DeskConfig)

    def check(self) -> None:
        """Raise DeskError when this is not a desk's home, or when others may read its secrets."""
        if not self.config.exists():
            raise DeskError(f"{self.root} is not a desk's home: make one with 'enveis desk init'")
        for secret in (self.identity, self.key):
            if secret.exists() and not is_private(secret):
                raise DeskError(f"{secret} can be read by others on this machine: chmod 600 {secret}")

    def load_identities(self, ask_passphrase: Callable[[], str]) -> tuple[Identity, ...]:
        """Read the identity file, of all generations the newest first; a passphrase is asked for only when it has one.

        Raises:
            DeskError: There is no such file: the identity exists only in shares or as a backup.
        """
        self.check()
        if not self.identity.exists():
            raise DeskError(f"there is no {self.identity}: join the identity from its shares (--shares)")
        # Our own: it may be a link to a medium that somebody locks away.
        return read_identities(self.identity.resolve(), ask_passphrase)

    def load_signing_key(self) -> SigningKey:
        """Read the desk's own key, which signs recipients, heads and bundles.

        Raises:
            DeskError: It is missing, damaged, or not the private half of `desk.pub`, which gateways have.
        """
        self.check()
        key = _parsed(self.key, parse_signing_key)
        if self.load_verify_key() != key.public:
            raise DeskError(f"{self.public_key} does not belong to {self.key.name}; see 'enveis desk rekey'")
        return key

    def load_verify_key(self) -> VerifyKey:
        """Read the public half of the desk's own key, or raise DeskError."""
        return _parsed(self.public_key, parse_verify_key)

    def load_recipients(self) -> tuple[Recipient, ...]:
        """Read the public halves.

        Raises:
            DeskError: The file is not one of recipients.
        """
        return _parsed(self.recipients, parse_recipients)

    def pairings(self) -> dict[str, Pairing]:
        """Return the trusted gateways, by their ids."""
        found = {}
        for path in sorted(self.gateways.glob("*.pairing")):
            pairing = read_pairing(path)
            if path.stem != pairing.gateway:
                raise DeskError(f"{path} has the pairing of a different gateway than its name says")
            found[pairing.gateway] = pairing
        return found


@dataclass(frozen=True, slots=True)
class NewDesk:
    """What `init_desk` made, to be shown to people."""

    recipients: tuple[Recipient, ...]
    has_backup: bool


def init_desk(
    home: DeskHome, *, kind: KeyKind, backup: Path | None, passphrase: str | None, config: DeskConfig
) -> NewDesk:
    """Make a new desk's home, and a backup identity in the file `backup`, which must be outside the home.

    Both identities are sealed with `passphrase` when there is one.

    Raises:
        DeskError: The backup would lie in the home itself.
        FileExistsError: The home has something in it, or the backup file exists; nothing was changed.
    """
    if backup is not None and backup.resolve().is_relative_to(home.root.resolve()):
        raise DeskError("the backup identity must be kept outside the home that it backs up")
    identity = generate_identity(kind)
    spare = generate_identity(kind) if backup is not None else None
    recipients = tuple(one.recipient for one in (identity, spare) if one is not None)
    signing = SigningKey.generate()

    def build(folder: Path) -> None:
        new = DeskHome(folder)
        text = encode_recipients(recipients)
        write_new(new.identity, [encode_identity_file(identity, passphrase)])
        write_new(new.recipients, [text])
        write_new(new.signature, [sign_recipients(recipients, number=1, key=signing).encode()])
        write_new(new.key, [signing.encode().encode()])
        write_new(new.public_key, [signing.public.encode().encode()])
        write_new(new.config, [encode_desk_config(config).encode()])
        make_private_folder(new.inbox)
        make_private_folder(new.gateways)
        new.log().append(Event.KEYS_CREATED, digest=hashlib.sha256(text).hexdigest())
        # Last, so that a backup file exists only beside a home that is complete.
        if backup is not None and spare is not None:
            write_new(backup, [encode_identity_file(spare, passphrase)])

    make_home(home.root, build)
    return NewDesk(recipients, has_backup=spare is not None)


def read_pairing(path: Path) -> Pairing:
    """Read a `gateway.pairing`, from wherever it was carried to."""
    try:
        return parse_pairing(read_handed_over(path, largest=PAIRING_MAX))
    except HandedOverError as error:
        raise DeskError(str(error)) from None
    except PairingError as error:
        raise DeskError(f"{path}: {error}") from None


def pair(home: DeskHome, pairing: Pairing) -> bool:
    """Trust a gateway from now on; return False when it already was.

    Raises:
        DeskError: Another pairing of the same gateway is trusted: the two have to be compared by people.
    """
    home.check()
    content = encode_pairing(pairing)
    path = home.gateways / f"{pairing.gateway}.pairing"
    if path.exists():
        if path.read_bytes() == content:
            return False
        raise DeskError(
            f"another pairing of gateway {pairing.gateway} is trusted here; "
            f"if the new one is right, remove {path} first"
        )
    digest = hashlib.sha256(content).hexdigest()
    # Logged before it is done: nobody is trusted without a line. The next call completes it after a crash in between.
    home.log().append(Event.GATEWAY_PAIRED, gateway=pairing.gateway, digest=digest)
    write_new(path, [content])
    return True


def _parsed(path: Path, parse: Callable[[str], T]) -> T:
    try:
        with path.open("rb") as stream:
            return parse(stream.read(KEY_FILE_MAX).decode("ascii"))
    except OSError as error:
        raise DeskError(f"{path}: cannot be read ({error.strerror})") from None
    except (KeyMaterialError, UnicodeDecodeError) as error:
        raise DeskError(f"{path}: {error}") from None
