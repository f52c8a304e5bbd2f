"""Electronic signatures: name, UTC time and meaning, bound to the digest of exactly what was shown.

A signature is made with credentials given again for it, and sealed with the store's key over everything it says, the
request among it: copied to another request, or with one byte of anything changed, it no longer holds.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from recon_platform.governance import schema
from recon_platform.governance.actors import Actor
from recon_platform.governance.chain import digest_of, seal, sealed
from recon_platform.governance.errors import SignatureError, UnknownRecordError
from recon_platform.governance.permissions import Permission
from recon_platform.governance.requests import Request, spoken

if TYPE_CHECKING:
    from recon_platform.governance.store import Store
    from recon_platform.governance.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Signing:
    """What a person gives to sign: their secret again, and what the signature means."""

    secret: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as shown on screen, in print and in exports."""

    signature: str
    request: int
    signer: str
    full_name: str
    signed_at: str
    meaning: str
    digest: str
    holds: bool
    problem: str | None = None

    @property
    def line(self) -> str:
        """Name, time with zone, and meaning, as they must be visible wherever the signature is."""
        return spoken(self.full_name, self.signer, self.signed_at, self.meaning)


SAID = ("signature", "request", "signer", "full_name", "signed_at", "meaning", "digest")


def _said(values: Mapping[str, Any]) -> list[Any]:
    return ["signature", *(values[name] for name in SAID)]


def write(tx: Transaction, key: bytes | None, actor: Actor, request: Request, meaning: str) -> tuple[str, str]:
    """Write the actor's signature under `request`; gives its id and its words. The caller checked the secret just before."""
    if key is None:
        raise SignatureError("this store was opened without its sealing key; signatures need it (see `recon init`)")
    if not meaning.strip():
        raise SignatureError("a signature needs a meaning, for example `approval of the substitution`")
    full_name = tx.connection.execute(
        select(schema.users.c.full_name).where(schema.users.c.name == actor.name)
    ).scalar_one()
    values = {
        "signature": uuid.uuid4().hex, "request": request.request, "signer": actor.name, "full_name": full_name,
        "signed_at": tx.at, "meaning": meaning, "digest": request.digest,
    }  # fmt: skip
    tx.connection.execute(schema.signatures.insert().values(**values, seal=seal(key, _said(values))))
    return str(values["signature"]), spoken(full_name, actor.name, tx.at, meaning)


def check(store: Store, actor: Actor, request: int) -> Signature:
    """The signature under `request`, with whether it still holds and, if not, why.

    Raises UnknownRecordError where the request carries none, SignatureError where the store has no key to check with.
    """
    if store.key is None:
        raise SignatureError("this store was opened without its sealing key; signatures cannot be checked")
    with store.reading() as tx:
        tx.allow(actor, Permission.READ)
        signed, asked = schema.signatures, schema.requests
        row = tx.connection.execute(
            select(signed, asked.c.content, asked.c.plant, asked.c.digest.label("request_digest"))
            .join(asked, asked.c.request == signed.c.request)
            .where(signed.c.request == request)
        ).one_or_none()
        if row is None:
            raise UnknownRecordError(f"request {request} carries no signature")
        tx.allow(actor, Permission.READ, row.plant)
    problem = None
    if not sealed(store.key, _said(dict(row._mapping)), row.seal):
        problem = "the signature's own words, or the request it stands under, were changed"
    elif _content_digest(row.content) != row.digest or row.request_digest != row.digest:
        problem = "what was signed was changed afterwards"
    return Signature(
        row.signature,
        row.request,
        row.signer,
        row.full_name,
        row.signed_at,
        row.meaning,
        row.digest,
        problem is None,
        problem,
    )


def _content_digest(content: str) -> str | None:
    try:
        value = json.loads(content)
    except json.JSONDecodeError:
        return None
    return digest_of(value)
