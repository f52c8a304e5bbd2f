"""Delivery wired up: the outbox's targets (ERP, people) as this installation has them, and one round of the relay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from recon_platform.connectors.write_back import Write, WriteBack, WriteBackError
from recon_platform.governance.actors import Actor
from recon_platform.governance.mail import MailServer, People
from recon_platform.governance.notices import PEOPLE
from recon_platform.governance.relay import Answer, Delivered, DeliveryError, Target, deliver_due
from recon_platform.nights import telemetry

if TYPE_CHECKING:
    from recon_platform.governance import Store
    from recon_platform.governance.outbox import Queued

ERP = "erp"


class ErpTarget:
    """An ERP adapter as a target of the relay."""

    def __init__(self, erp: WriteBack) -> None:
        self._erp = erp

    def deliver(self, messages: Sequence[Queued]) -> Sequence[Answer]:
        """Hand the messages to the adapter as writes."""
        writes = [Write(m.key, m.kind, m.subject, m.content, m.expected_version) for m in messages]
        try:
            return [Answer(answer.accepted, answer.text) for answer in self._erp.write(writes)]
        except WriteBackError as error:
            raise DeliveryError(str(error)) from error


def deliver(
    store: Store, actor: Actor, *, erp: WriteBack | None = None, mail: MailServer | None = None, channels: bool = True
) -> Delivered:
    """One round: everything due, to the ERP where one is given, and to people. Safe to run twice at the same time."""
    done = Delivered()
    if erp is not None:
        targets: Mapping[str, Target] = {ERP: ErpTarget(erp)}
        done += deliver_due(store, actor, targets)
    if channels:
        done += deliver_due(store, actor, {PEOPLE: People(mail)}, batch=1)
    telemetry.delivered(done.accepted, done.refused, done.postponed)
    return done
