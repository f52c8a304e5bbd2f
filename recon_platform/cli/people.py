"""Commands on people: making a governance store, signing in and out, users and their roles."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from recon_platform.cli import doors, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import GovernanceOption, HomeOption, JsonOption, LakeOption
from recon_platform.governance.permissions import Permission, Role

RoleOption = Annotated[list[Role], typer.Option("--role", help="Role; may be given more than once.")]
StdinOption = Annotated[bool, typer.Option("--secret-stdin", help="Read the secret from standard input, one line.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("init")(init)
    app.command("login")(login)
    app.command("logout")(logout)
    users = typer.Typer(help="Users, roles and secrets.", no_args_is_help=True)
    users.command("add")(user_add)
    users.command("list")(user_list)
    users.command("role")(user_role)
    users.command("plants")(user_plants)
    users.command("disable")(user_disable)
    users.command("reset")(user_reset)
    users.command("secret")(user_secret)
    users.command("confirm")(user_confirm)
    app.add_typer(users, name="user")


@needs(None)
def init(
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    admin: Annotated[str, typer.Option("--admin", help="Name of the first administrator (role it).")] = "admin",
    manager: Annotated[str | None, typer.Option("--manager", help="Name of the first approver (role manager).")] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask for the secrets instead of printing made-up ones once.")
    ] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring an existing store to this program's version.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the governance store of a lake, with its first administrator and first approver."""
    from recon_platform.governance import Store

    url, key = doors.store_url(lake, governance), doors.key_file(lake, home)
    if not key.exists():
        doors.write_private(key, secrets.token_bytes(32))
    store = Store.create(url, key=key.read_bytes())
    if not store.people.is_empty():
        if not upgrade:
            raise ValueError(
                "this lake has its governance store already; nothing was changed (--upgrade renews its tables)"
            )
        output.say("the governance store is up to date")
        return
    first = [(admin, "Administrator", Role.IT)]
    if manager is not None:
        first.append((manager, "Manager", Role.MANAGER))
    made: dict[str, str] = {}
    for name, title, role in first:
        made[name] = _ask(f"Secret of {name}", confirm=True) if ask else secrets.token_urlsafe(15)
        store.people.found(name, f"{title} {name}", [role], made[name])
    if as_json:
        output.print_json({"store": url, "users": list(made), "secrets": {} if ask else made})
        return
    output.say(f"governance store made: {url}")
    if not ask:
        for name, secret in made.items():
            output.say(f"secret of {name}, shown this once: {secret}")
    output.say(f"sealing key: {key}; keep a copy off this machine")
    output.say(f"next: recon login --lake {lake} --user {admin}")


@needs(None)
def login(
    lake: LakeOption,
    user: Annotated[str, typer.Option("--user", help="Your name here.")],
    governance: GovernanceOption = None,
    home: HomeOption = None,
    secret_stdin: StdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Sign in: a secret for a token that expires, kept in a file only you can read."""
    store = doors.open_store(lake, governance, home)
    made = store.sessions.login(user, _secret(f"Secret of {user}", secret_stdin))
    path = doors.session_file(lake, home)
    content = {"user": user, "token": made.token, "expires_at": made.expires_at.isoformat()}
    doors.write_private(path, output.json_bytes(content))
    if as_json:
        output.print_json({"user": user, "expires_at": made.expires_at, "session": path})
        return
    output.say(f"{user} is signed in until {made.expires_at:%a %d %b %H:%M} UTC ({path})")


@needs(Permission.READ)
def logout(lake: LakeOption, governance: GovernanceOption = None, home: HomeOption = None) -> None:
    """End your session."""
    door = doors.enter(Permission.READ, lake, governance, home)
    door.store.sessions.logout(door.actor)
    doors.session_file(lake, home).unlink(missing_ok=True)
    output.say(f"{door.actor.name} is signed out")


@needs(Permission.MANAGE_USERS)
def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    full_name: Annotated[str, typer.Option("--full-name", help="Name as it stands under signatures.")],
    role: RoleOption,
    lake: LakeOption,
    contact: Annotated[
        str | None, typer.Option("--contact", help="Address for notices, for example an e-mail.")
    ] = None,
    agent_version: Annotated[str | None, typer.Option("--agent-version", help="Version, for the role agent.")] = None,
    quota: Annotated[int | None, typer.Option("--quota", help="Proposals in 24 hours, for the role agent.")] = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user; prints a temporary secret once. They change it, then an approver confirms them."""
    from recon_platform.governance import ActorKind

    door = doors.enter(Permission.MANAGE_USERS, lake, governance, home)
    kind = ActorKind.AGENT if Role.AGENT in role else ActorKind.PERSON
    secret = door.store.people.add(
        door.actor, name, full_name, role, contact=contact, kind=kind, agent_version=agent_version, daily_quota=quota
    )
    if as_json:
        output.print_json({"user": name, "roles": role, "secret": secret})
        return
    output.say(f"{name} added as {', '.join(role)}; temporary secret, shown this once: {secret}")


@needs(Permission.READ)
def user_list(
    lake: LakeOption, governance: GovernanceOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """List users, their roles, and whether their credentials are confirmed."""
    door = doors.enter(Permission.READ, lake, governance, home)
    found = door.store.people.all(door.actor)
    if as_json:
        output.print_json(found)
        return
    output.print_rows(
        "",
        ("user", "full name", "roles", "credentials", "active"),
        [(user.name, user.full_name, ", ".join(user.roles), user.credential, user.active) for user in found],
    )


@needs(Permission.MANAGE_USERS)
def user_role(
    name: Annotated[str, typer.Argument(help="User.")],
    role: RoleOption,
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Give a user exactly these roles."""
    door = doors.enter(Permission.MANAGE_USERS, lake, governance, home)
    door.store.people.set_roles(door.actor, name, role)
    output.say(f"{name} is now {', '.join(role)}")


@needs(Permission.MANAGE_USERS)
def user_plants(
    name: Annotated[str, typer.Argument(help="User.")],
    lake: LakeOption,
    plant: Annotated[
        list[str] | None, typer.Option("--plant", help="Plant; may be given more than once. None lifts the limit.")
    ] = None,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Limit a user to plants: of the others they see nothing and decide nothing."""
    door = doors.enter(Permission.MANAGE_USERS, lake, governance, home)
    door.store.people.set_plants(door.actor, name, plant or [])
    output.say(f"{name} works for {', '.join(sorted(set(plant))) if plant else 'every plant'}")


@needs(Permission.MANAGE_USERS)
def user_disable(
    name: Annotated[str, typer.Argument(help="User.")],
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Switch a user off: every session ends now."""
    door = doors.enter(Permission.MANAGE_USERS, lake, governance, home)
    door.store.people.disable(door.actor, name)
    output.say(f"{name} is switched off")


@needs(Permission.MANAGE_USERS)
def user_reset(
    name: Annotated[str, typer.Argument(help="User.")],
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a user a new temporary secret; it yields no decision and no signature until an approver confirms them."""
    door = doors.enter(Permission.MANAGE_USERS, lake, governance, home)
    secret = door.store.people.reset(door.actor, name)
    if as_json:
        output.print_json({"user": name, "secret": secret})
        return
    output.say(f"{name}: temporary secret, shown this once: {secret}")


@needs(Permission.READ)
def user_secret(
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
    secret_stdin: Annotated[
        bool,
        typer.Option("--secret-stdin", help="Read the present and the new secret from standard input, a line each."),
    ] = False,
) -> None:
    """Change your own secret."""
    door = doors.enter(Permission.READ, lake, governance, home)
    old = _secret("Present secret", secret_stdin)
    new = _line() if secret_stdin else _ask("New secret", confirm=True)
    door.store.people.change_secret(door.actor, old, new)
    output.say("your secret is changed")


@needs(Permission.APPROVE)
def user_confirm(
    name: Annotated[str, typer.Argument(help="User who chose their own secret.")],
    lake: LakeOption,
    governance: GovernanceOption = None,
    home: HomeOption = None,
) -> None:
    """Vouch that a user chose their present secret themselves; only then may they decide and sign."""
    door = doors.enter(Permission.APPROVE, lake, governance, home)
    door.store.people.confirm(door.actor, name)
    output.say(f"{name} is confirmed")


def _secret(prompt: str, from_stdin: bool) -> str:
    return _line() if from_stdin else _ask(prompt)


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise ValueError("no secret on standard input")
    return line.rstrip("\n")


def _ask(prompt: str, *, confirm: bool = False) -> str:
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def signing_secret(from_stdin: bool) -> str:
    """The signer's secret, given again for this one signature."""
    return _secret("Your secret, to sign", from_stdin)


__all__ = ["register", "signing_secret"]
