"""The pages: one module per topic, each a router whose every route declares the permission it needs."""

from __future__ import annotations

from recon_platform.console.pages import account, audit, decisions, lists, login, rules, schedule, today, users, what_if

ROUTERS = tuple(
    module.router for module in (login, today, decisions, schedule, what_if, lists, rules, audit, users, account)
)
