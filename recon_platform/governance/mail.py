"""Notices on their way: by SMTP to mail addresses, by Apprise to any other channel (Teams, Slack, webhooks).

A mail's Message-ID is made from the message's key. A server that took a mail and died before it said so is sent it
again; whoever receives both sees one, because both carry the same Message-ID.
"""

from __future__ import annotations

import base64
import hashlib
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from recon_platform.governance.outbox import Queued
from recon_platform.governance.relay import Answer, DeliveryError

TIMEOUT_SECONDS = 20.0
PERMANENT = 500  # reply codes from here on are final (RFC 5321, 4.2.1)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over. With `user`, signs in after STARTTLS, never before."""

    host: str
    port: int = 25
    sender: str = "recon@localhost"
    starttls: bool = False
    user: str | None = None
    secret: str | None = None


class People:
    """The target `people`: every notice goes to one address. Deliver one at a time (`batch=1`), so that a dying server
    leaves one in doubt, not many."""

    def __init__(self, server: MailServer | None) -> None:
        self._server = server

    def deliver(self, messages: Sequence[Queued]) -> Sequence[Answer]:
        """Send each notice."""
        return [self._deliver(message) for message in messages]

    def _deliver(self, message: Queued) -> Answer:
        address = str(message.content["to"])
        if "://" in address:
            return _announce(address, message)
        if self._server is None:
            raise DeliveryError("no mail server is configured (--smtp HOST:PORT)")
        return _send(self._server, address, message)


def mail(message: Queued, address: str, sender: str) -> EmailMessage:
    """A notice as a mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, address, str(message.content["title"])
    mail["Date"] = message.created_at
    mail["Message-ID"] = f"<{hashlib.sha256(message.key.encode()).hexdigest()[:40]}@recon-platform>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{message.content['text']}\n")
    attached = message.content.get("attachment")
    if attached is not None:
        kind, _, subkind = str(attached["type"]).partition("/")
        mail.add_attachment(base64.b64decode(attached["base64"]), kind, subkind, filename=str(attached["name"]))
    return mail


def _send(server: MailServer, address: str, message: Queued) -> Answer:
    try:
        with smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS) as connection:
            if server.starttls:
                connection.starttls()
            if server.user is not None:
                if not server.starttls:
                    return Answer(False, "a secret is never sent without STARTTLS")
                connection.login(server.user, server.secret or "")
            connection.send_message(mail(message, address, server.sender))
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        if code >= PERMANENT:
            return Answer(False, f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}")
        raise DeliveryError(f"the mail server put {address} off: {code}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryError(f"the mail server {server.host}:{server.port} did not take it: {error}") from error
    return Answer(True, f"handed to {server.host}")


def _announce(address: str, message: Queued) -> Answer:
    import apprise  # noqa: PLC0415 - half a second to import, and only channels need it

    channel = apprise.Apprise()
    if not channel.add(address):
        return Answer(False, f"{address.split('://', 1)[0]}:// is no channel that can be told")
    if not channel.notify(title=str(message.content["title"]), body=str(message.content["text"])):
        raise DeliveryError(f"the channel {address.split('://', 1)[0]}:// did not take it")
    return Answer(True, f"handed to {address.split('://', 1)[0]}")
