"""Heads of a gateway's audit log that its key signed into batches: they reveal a rewritten log.

A head is kept wherever a `batch.json` and its signature are: in a bag, in a folder of bags, or among the heads that
a desk keeps. Reads only these two files of a batch, and trusts neither before the signature verifies.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.chain import Head
from disk.durable import make_private_folder, replace
from disk.handed_over import read_handed_over
from keys.signing import VerifyKey
from transfer.batch.batch import MANIFEST_MAX, SIGNATURE_MAX, GatewayId, SignedBatch, verify_batch
from transfer.batch.files import MANIFEST
from transfer.errors import BatchError, UnknownGatewayError

SIGNATURE_SUFFIX: Final = ".minisig"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """What one batch signs about its gateway's log: the lines up to `head` may never change."""

    gateway: GatewayId
    batch: int
    head: Head


@dataclass(frozen=True, slots=True)
class FoundHeads:
    """The heads that were found, and how many batches of other gateways lay beside them."""

    heads: tuple[SignedHead, ...]
    others: int


def read_heads(paths: Iterable[Path], trusted: Mapping[GatewayId, VerifyKey]) -> FoundHeads:
    """Return the heads signed by `trusted` keys in bags, folders of bags, or `batch.json` files.

    Raises:
        BatchError: A signature does not verify, a single batch is another gateway's, or a folder has no signed batch.
        OSError: A file cannot be read.
    """
    heads: list[SignedHead] = []
    others = 0
    for path in paths:
        manifests = _manifests(path)
        for manifest in manifests:
            try:
                heads.append(_read_head(manifest, trusted))
            except UnknownGatewayError:
                if len(manifests) == 1:
                    raise BatchError(f"{manifest} is signed by another key than the one that was given") from None
                others += 1
            except BatchError as error:
                raise BatchError(f"{manifest}: {error}") from None
    if others and not heads:
        raise BatchError("none of these batches is signed by the key that was given")
    return FoundHeads(tuple(heads), others)


def heads_folder(gateways: Path, gateway: GatewayId) -> Path:
    """Return where a desk keeps the signed lists of one gateway's batches."""
    return gateways / f"{gateway}.heads"


def keep_head(gateways: Path, signed: SignedBatch) -> None:
    """Keep the signed list of a batch that was verified, durably; two of one number stand beside each other."""
    folder = heads_folder(gateways, signed.batch.gateway)
    make_private_folder(folder)
    path = folder / f"{signed.batch.number:06}-{signed.digest[:8]}.json"
    for kept, content in ((path, signed.manifest), (_signature_of(path), signed.signature.encode())):
        if not kept.exists():
            replace(kept, [content])


def _manifests(path: Path) -> list[Path]:
    if path.is_symlink() or not path.is_dir():
        return [path]
    if (path / MANIFEST).exists():
        return [path / MANIFEST]
    found = sorted(one for one in path.glob(f"*/{MANIFEST}") if not one.parent.is_symlink())
    found += [one for one in sorted(path.glob("*.json")) if _signature_of(one).exists()]
    if not found:
        raise BatchError(f"{path} has no batch.json with a signature")
    return found


def _signature_of(manifest: Path) -> Path:
    return manifest.with_name(manifest.name + SIGNATURE_SUFFIX)


def _read_head(manifest: Path, trusted: Mapping[GatewayId, VerifyKey]) -> SignedHead:
    text = read_handed_over(manifest, largest=MANIFEST_MAX)
    signature = read_handed_over(_signature_of(manifest), largest=SIGNATURE_MAX).decode("utf-8", "replace")
    batch = verify_batch(text, signature, trusted)
    return SignedHead(batch.gateway, batch.number, Head(batch.audit.last, batch.audit.head))
