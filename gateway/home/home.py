"""The gateway's home directory: its own signing key, public halves of everyone else, settings and spool.

No key that opens a packet is ever here. `init_gateway` makes all of it or nothing and never overwrites.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from audit.clock import Clock
from audit.events import Event
from audit.log import AuditLog
from audit.utc_day import utc_today
from disk.durable import is_private, make_home, make_private_folder, write_new
from disk.handed_over import HandedOverError, read_handed_over
from disk.settings import read_settings
from gateway.errors import GatewayError
from gateway.home.config import GatewayConfig, encode_gateway_config
from gateway.home.withdraw_key import write_withdraw_key
from gateway.replies.reply_store import ReplyStore
from keys.errors import KeyMaterialError
from keys.generation import verify_recipients
from keys.recipient import Recipient, encode_recipients, parse_recipients
from keys.signing import SigningKey, VerifyKey, parse_signing_key, parse_verify_key
from transfer.head_statement import HeadStatement, verify_statement
from transfer.low_side.outbox import Outbox
from transfer.names import Lane
from transfer.pairing import LINK_KEY_SIZE, Pairing, encode_pairing, parse_pairing

KEY_FILE_MAX: Final = 64 * 1024  # bytes; eight hybrid recipients take 16 KiB
SIGNATURE_SUFFIX: Final = ".minisig"
_LOST: Final = "find out what happened, then replace the gateway's key ('enveis gateway rekey'): its packets stay"

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
    def recipients_signature(self) -> Path:
        """The desk's signature over them, with the number of their generation; absent where none was brought."""
        return self.root / f"recipients.txt{SIGNATURE_SUFFIX}"

    @property
    def former(self) -> Path:
        """What belonged to earlier keys of this gateway: a folder for each."""
        return self.root / "former"

    @property
    def new_key(self) -> Path:
        """Where a new key is prepared; it is there only while a change of keys is not complete."""
        return self.root / ".new-key"

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
    def reply_store(self) -> Path:
        """What the desk's newest bundle brought, and what was deleted of it."""
        return self.root / "way-back.sqlite"

    @property
    def withdraw_key(self) -> Path:
        """The secret that marks withdraw buttons. It withdraws nothing, and a change of keys leaves it as it is."""
        return self.root / "withdraw.key"

    @property
    def requests(self) -> Path:
        """The journal of sealed requests that wait for the end of their tick."""
        return self.root / "requests.sqlite"

    @property
    def serving(self) -> Path:
        """The lock that every running `serve` shares, and that a change of keys holds alone."""
        return self.root / "serve.lock"

    @property
    def metrics(self) -> Path:
        """The socket with rounded counts, unless the settings name another."""
        return self.root / "metrics.sock"

    @property
    def spool(self) -> Path:
        """The folder of sealed packets."""
        return self.root / "spool"

    def log(self) -> AuditLog:
        """The gateway's audit log, which began with its key: where no line is left, nobody begins it a second time."""
        return AuditLog(self.audit, today=utc_today, lost=_LOST)

    def clock(self) -> Clock:
        """This machine's clock, compared with the log."""
        return Clock(self.log())

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
        if self.new_key.exists():
            raise GatewayError("a change of this gateway's key was interrupted: 'enveis gateway rekey' completes it")
        for secret in (self.key, self.pairing, self.withdraw_key):
            if secret.exists() and not is_private(secret):
                raise GatewayError(f"{secret} can be read by others on this machine: chmod 600 {secret}")
        material = GatewayMaterial(
            config=config,
            recipients=read_key_file(self.recipients, parse_recipients),
            signing_key=read_key_file(self.key, parse_signing_key),
            desk_key=read_key_file(self.desk_key, parse_verify_key),
        )
        if read_key_file(self.public_key, parse_verify_key) != material.signing_key.public:
            raise GatewayError(f"{self.public_key} does not belong to {self.key.name}")
        return material

    def load_pairing(self) -> Pairing:
        """Read `gateway.pairing`, whose fingerprint words are compared with the desk's."""
        return parse_pairing(self.pairing.read_bytes()[: KEY_FILE_MAX + 1])


def init_gateway(
    home: GatewayHome, *, recipients: Path, desk_key: Path, config: GatewayConfig, continues: Path | None = None
) -> Pairing:
    """Make a new gateway's home, with keys of its own, for the desk behind `recipients` and `desk_key`.

    Where the desk's signature lies beside the recipients it is checked, and their generation is known from then on.
    `continues` is the desk's statement of the last head it trusts of a gateway that this one takes the place of.

    Raises:
        GatewayError: A file handed in is not what it should be.
        transfer.head_statement.StatementError: The statement is not this desk's.
        FileExistsError: There is something in the home already; nothing was changed.
    """
    to = read_key_file(recipients, parse_recipients, follow=False)
    desk = read_key_file(desk_key, parse_verify_key, follow=False)
    signature = _signature_beside(recipients, desk)
    statement = None if continues is None else read_statement(continues, desk)
    signing = SigningKey.generate()
    pairing = Pairing(signing.public, secrets.token_bytes(LINK_KEY_SIZE))

    def build(folder: Path) -> None:
        new = GatewayHome(folder)
        write_keys(new, signing, pairing, statement)
        # Written again from what was parsed, without the comments of the file that was handed in.
        write_new(new.recipients, [encode_recipients(to)])
        if signature is not None:
            write_new(new.recipients_signature, [signature.encode()])
        write_new(new.desk_key, [desk.encode().encode()])
        write_new(new.config, [encode_gateway_config(config).encode()])
        for lane in ("incoming", "withdrawable", *Lane):
            make_private_folder(new.spool / lane)
        ReplyStore(new.reply_store).begin()
        write_withdraw_key(new.withdraw_key)

    make_home(home.root, build)
    return pairing


def write_keys(
    new: GatewayHome, signing: SigningKey, pairing: Pairing, statement: HeadStatement | None, *, lost: str | None = None
) -> None:
    """Write a gateway's own keys, and the log and ledger that begin with them, into a folder where they are not yet.

    `lost` is the SHA-256 of what is left of the log before, where that no longer held the line of `statement`.
    """
    write_new(new.key, [signing.encode().encode()])
    write_new(new.public_key, [signing.public.encode().encode()])
    write_new(new.pairing, [encode_pairing(pairing)])
    log = AuditLog(new.audit, today=utc_today)
    log.append(Event.KEYS_CREATED, digest=hashlib.sha256(signing.public.raw).hexdigest())
    if statement is not None:
        log.append(Event.CHAIN_CONTINUES, gateway=statement.gateway, digest=statement.head.hash)
    if lost is not None:
        log.append(Event.LOG_LOST, digest=lost)
    Outbox.begin(new.outbox)


def read_statement(path: Path, desk: VerifyKey) -> HeadStatement:
    """Return the desk's statement in a file, whose signature lies beside it.

    Raises:
        GatewayError: It cannot be read.
        transfer.head_statement.StatementError: It is not this desk's.
    """
    try:
        text = read_handed_over(path, largest=KEY_FILE_MAX)
        signature = read_handed_over(path.with_name(path.name + SIGNATURE_SUFFIX), largest=KEY_FILE_MAX)
    except OSError as error:
        raise GatewayError(f"{error.filename}: cannot be read ({error.strerror})") from None
    except HandedOverError as error:
        raise GatewayError(str(error)) from None
    return verify_statement(text, signature.decode("utf-8", "replace"), desk)


def _signature_beside(recipients: Path, desk: VerifyKey) -> str | None:
    beside = recipients.with_name(recipients.name + SIGNATURE_SUFFIX)
    if not beside.exists():
        return None
    try:
        signature = read_handed_over(beside, largest=KEY_FILE_MAX).decode("utf-8", "replace")
        verify_recipients(read_handed_over(recipients, largest=KEY_FILE_MAX), signature, desk)
    except KeyMaterialError as error:
        raise GatewayError(f"{recipients}: {error}") from None
    return signature


def read_key_file(path: Path, parse: Callable[[str], T], *, follow: bool = True) -> T:
    """Return what `parse` makes of a file of keys, or raise GatewayError with a sentence.

    `follow` is whether it may be a link: in this home, never where it was handed in.
    """
    try:
        return parse(read_handed_over(path, largest=KEY_FILE_MAX, follow=follow).decode("ascii"))
    except OSError as error:
        raise GatewayError(f"{path}: cannot be read ({error.strerror})") from None
    except HandedOverError as error:
        raise GatewayError(str(error)) from None
    except UnicodeDecodeError:
        raise GatewayError(f"{path}: is not a text file of keys") from None
    except KeyMaterialError as error:
        raise GatewayError(f"{path}: {error}") from None
