"""Where messages of the outbox go from this installation, as a resource: the ERP's address, the mail server.

Belongs here: addresses and the credentials that the environment gives. Does not belong here: when something is sent
(`sensors.outbox`), how often and with which answer kept (the relay of the library).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from recon_platform.connectors.write_back import WriteBack
    from recon_platform.governance import Store
    from recon_platform.governance.mail import MailServer
    from recon_platform.governance.outbox import Queued
    from recon_platform.governance.relay import Delivered

SMTP_PORT = 25


class DeliveryResource(dg.ConfigurableResource):
    """The targets of the relay. An empty address means that there is no such target: its messages wait."""

    erp: str = ""  # http(s) address that takes writes
    erp_authorization: str = ""  # value of the header Authorization
    plant_file: str = ""  # or a plant.toml, whose [connect.NAME.write_back] says which ERP takes writes, and how
    smtp: str = ""  # HOST or HOST:PORT
    sender: str = "recon@localhost"

    def write_back(self) -> WriteBack | None:
        """The ERP as a door that writes; None where none is configured. ValueError where two are."""
        from recon_platform.connectors.connect_file import plant_write_back
        from recon_platform.connectors.credentials import Secrets
        from recon_platform.connectors.write_back import HttpErp

        if self.erp and self.plant_file:
            raise ValueError("RECON_ERP and RECON_PLANT_FILE both name an ERP; unset one")
        if self.plant_file:
            return plant_write_back(Path(self.plant_file), Secrets())
        if not self.erp:
            return None
        return HttpErp(self.erp, headers={"Authorization": self.erp_authorization} if self.erp_authorization else None)

    def mail_server(self) -> MailServer | None:
        """The mail server; None where none is configured. ValueError where the port is no number."""
        from recon_platform.governance.mail import MailServer

        if not self.smtp:
            return None
        host, _, port = self.smtp.partition(":")
        if port and not port.isdigit():
            raise ValueError(f"RECON_SMTP is HOST or HOST:PORT, found {self.smtp!r}")
        return MailServer(host, int(port or SMTP_PORT), self.sender)

    def waiting(self, store: Store) -> list[Queued]:
        """Messages that are due, of the targets that this installation has."""
        from recon_platform.governance.notices import PEOPLE
        from recon_platform.nights.delivery import ERP

        reachable = {PEOPLE, *((ERP,) if self.erp or self.plant_file else ())}
        return store.outbox.due(targets=reachable)

    def due(self, store: Store) -> dict[str, int]:
        """The same, counted by target."""
        return dict(sorted(Counter(message.target for message in self.waiting(store)).items()))

    def deliver(self, store: Store) -> Delivered:
        """One round of the relay."""
        from recon_platform.governance import service
        from recon_platform.nights.delivery import deliver
        from recon_platform.nights.versions import rule_version

        return deliver(store, service("relay", rule_version()), erp=self.write_back(), mail=self.mail_server())
