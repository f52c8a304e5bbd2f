"""The planner's workbook as frames: the lists it shows, and the lines a planner writes into it, checked cell by cell.

Belongs here: what the workbook says. Files are `nights.workbook`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from recon_platform.proposal.candidate import Candidate
from recon_platform.proposal.own import ProposalError, own_proposal
from recon_platform.tables.model import Frames

LINE_COLUMNS = ("kind", "subject", "value", "reason")
"""What a planner fills in, a proposal a line: see `own.own_proposal`."""
MOST_LINES = 200  # each is a whole plan; more is a new master schedule, not a proposal
SHOWN: dict[str, tuple[str, ...]] = {
    "exception_moves": (
        "rank", "kind", "subject", "from", "to", "reason", "lines_won", "lines_lost", "late_days_saved", "labour_hours",
        "overtime_hours", "cost", "operations_moved", "in_set", "approval_needed", "signature", "valid_until", "digest",
    ),
    "proposal_changes": (
        "work_order", "op_seq", "what", "from", "to", "shift_minutes", "reason", "cause", "frozen", "otif_effect",
    ),
    "order_promises": (
        "sales_order", "line", "customer", "item", "qty", "promised", "projected_ship", "late_days", "bound_by_type",
        "bound_by",
    ),
}  # fmt: skip
"""Tables of the night that the workbook shows, and their columns."""
EFFECT_COLUMNS = (
    "lines_won", "lines_lost", "late_days_saved", "labour_hours", "overtime_hours", "cost", "operations_moved", "digest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CellError:
    """One cell that cannot be used: `row` as numbered in the file, `column` by its heading."""

    row: int
    column: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: expected {self.expected}, found {self.found}"


class CellsError(ValueError):
    """A workbook with cells that cannot be used; `cells` are all of them. Nothing of such a workbook is used."""

    def __init__(self, cells: list[CellError]) -> None:
        super().__init__("; ".join(str(cell) for cell in cells) + ". Correct these cells and try again")
        self.cells = cells


def shown_tables(frames: Frames) -> dict[str, pl.DataFrame]:
    """The lists of the workbook by table name, in the order a planner reads them."""
    order = {
        "exception_moves": ["rank"], "proposal_changes": ["work_order", "op_seq", "what"],
        "order_promises": ["sales_order", "line"],
    }  # fmt: skip
    return {name: frames[name].select(columns).sort(order[name]) for name, columns in SHOWN.items()}


def candidates(frames: Frames, lines: pl.DataFrame) -> list[Candidate]:
    """One candidate per line; `lines` has `row` (as numbered in the file) and LINE_COLUMNS as text, null where empty.

    Raises CellsError naming every wrong cell: then no line is used.
    """
    if lines.height > MOST_LINES:
        raise CellsError([CellError(MOST_LINES + 2, "kind", f"at most {MOST_LINES} proposals", f"{lines.height}")])
    made: list[Candidate] = []
    wrong: list[CellError] = []
    for line in lines.with_columns(pl.col(LINE_COLUMNS).fill_null("").str.strip_chars()).iter_rows(named=True):
        reason = line["reason"]
        if not reason:
            wrong.append(CellError(line["row"], "reason", "why", "nothing"))
        try:
            made.append(
                own_proposal(
                    frames, kind=line["kind"], subject=line["subject"], value=line["value"], reason=reason or "missing"
                )
            )
        except ProposalError as error:
            wrong.append(CellError(line["row"], error.column, error.expected, error.found))
    if wrong:
        raise CellsError(wrong)
    return made


def measured(lines: pl.DataFrame, rows: list[dict[str, object]]) -> pl.DataFrame:
    """`lines` with the effect of each beside it; `rows` as `own.evaluate_own` gives them, in the order of the lines."""
    effects = pl.DataFrame([{name: row[name] for name in EFFECT_COLUMNS} for row in rows], infer_schema_length=None)
    return lines if lines.is_empty() else lines.select("row", *LINE_COLUMNS).hstack(effects)
