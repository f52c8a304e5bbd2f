"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
