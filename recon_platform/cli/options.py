"""Options that several commands share, said once, and how the value of `--change` is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

LakeOption = Annotated[str, typer.Option("--lake", help="The lake: a folder, or an object-store address.")]
GovernanceOption = Annotated[
    str | None,
    typer.Option("--governance", help="Address of the governance store; default: governance.db in the lake's folder."),
]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder that keeps your session; default: the lake's folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
PlantOption = Annotated[str | None, typer.Option("--plant", help="Plant code; needed where the lake holds several.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the record.")]
RunOption = Annotated[str | None, typer.Option("--run", help="Run; default: the newest complete one.")]


def json_changes(text: str) -> list[Mapping[str, Any]]:
    """The changes of `--change` (see `planning.decisions.Change`); ValueError where `text` is no list of them."""
    try:
        made = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"--change: expected a JSON list of changes, found {text!r}: {error}") from error
    if not isinstance(made, list) or not all(isinstance(one, dict) and "verb" in one for one in made):
        raise ValueError("--change: expected a JSON list of objects with verb, table, where, values")
    return made


def json_object(option: str, text: str) -> Mapping[str, Any]:
    """The JSON object that `option` was given; ValueError where `text` is none."""
    try:
        made = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{option}: expected a JSON object, found {text!r}: {error}") from error
    if not isinstance(made, dict):
        raise ValueError(f"{option}: expected a JSON object, found {text!r}")
    return made
