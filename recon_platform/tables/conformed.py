"""Tables that conforming makes beside the landing tables themselves: working time, keys, quarantine, counts, findings.

Belongs here: descriptions only. What fills them lives in `recon_platform.conform`.
"""

from __future__ import annotations

from recon_platform.tables.model import Column, Kind, Layer, Table
from recon_platform.tables.reconciled import FINDING_COLUMNS

SEVERITIES = ("low", "medium", "high", "critical")

WORKING_TIME = Table(
    name="working_time",
    layer=Layer.CONFORMED,
    meaning="When each machine works: calendar with exceptions, less planned downtime; intervals never overlap or touch "
    "within one kind. Vendors (external work centers) work round the clock.",
    key=("machine", "start"),
    columns=(
        Column("machine", Kind.KEY, "Machine.", refers_to="machines"),
        Column("work_center", Kind.KEY, "Its work center.", refers_to="work_centers"),
        Column("start", Kind.INSTANT, "First instant of work."),
        Column("end", Kind.INSTANT, "First instant without."),
        Column("kind", Kind.TEXT, "Regular shift or overtime.", allowed=("regular", "overtime")),
    ),
)

PLANT_DAYS = Table(
    name="plant_days",
    layer=Layer.CONFORMED,
    meaning="The working days of the plant calendar, numbered, so that netting counts working days by subtraction.",
    key=("day",),
    columns=(
        Column("day", Kind.DAY, "Working day: a date on which a shift of the plant calendar starts."),
        Column("ordinal", Kind.WHOLE, "0 on the first working day on or after the planning date."),
        Column("first_start", Kind.INSTANT, "Start of its first shift."),
        Column("last_end", Kind.INSTANT, "End of its last shift, which may be on the next date."),
    ),
)

KEY_MAP = Table(
    name="key_map",
    layer=Layer.CONFORMED,
    meaning="Every key that was read differently from how it was written. A key that is not listed stands as it came.",
    key=("source", "table", "column", "raw_key"),
    columns=(
        Column("source", Kind.KEY, "erp or mes."),
        Column("table", Kind.KEY, "Landing table."),
        Column("column", Kind.KEY, "Column of it."),
        Column("raw_key", Kind.TEXT, "The key as it came, blanks included."),
        Column("key", Kind.KEY, "The one key used everywhere behind."),
        Column(
            "rule", Kind.TEXT, "What made the difference.",
            allowed=("blanks", "case", "zeros", "separators", "prefix", "xref", "alias", "split"),
        ),
    ),
)  # fmt: skip

QUARANTINE = Table(
    name="quarantine",
    layer=Layer.CONFORMED,
    meaning="Rows nothing downstream reads, each once, with the worst reason first. rows_in = rows_out + quarantined.",
    key=("table", "source", "file", "row"),
    columns=(
        Column("table", Kind.KEY, "Landing table."),
        Column("source", Kind.KEY, "erp or mes."),
        Column("file", Kind.TEXT, "File the row came from."),
        Column("row", Kind.WHOLE, "Data row in that file, 1-based.", minimum=0),
        Column("column", Kind.TEXT, "Column that is wrong; null where the row as a whole is.", nullable=True),
        Column("value", Kind.TEXT, "What stands there, at most 200 characters.", nullable=True),
        Column("reason", Kind.TEXT, "Why it cannot be used, and what was expected."),
        Column("severity", Kind.TEXT, "How bad the reason is.", allowed=SEVERITIES),
        Column("gate", Kind.KEY, "Quality gate that refused it."),
        Column("reasons", Kind.WHOLE, "How many reasons the row has in all.", minimum=1),
    ),
)

ROW_COUNTS = Table(
    name="row_counts",
    layer=Layer.CONFORMED,
    meaning="Conservation of rows, table by table.",
    key=("table",),
    columns=(
        Column("table", Kind.KEY, "Landing table."),
        Column("rows_in", Kind.WHOLE, "Rows as they came.", minimum=0),
        Column("rows_out", Kind.WHOLE, "Rows that came through.", minimum=0),
        Column("rows_quarantined", Kind.WHOLE, "Rows in quarantine.", minimum=0),
    ),
)

AVAILABILITY = Table(
    name="availability",
    layer=Layer.CONFORMED,
    meaning="Which contract tables were delivered, and what is not known where one was not.",
    key=("table",),
    columns=(
        Column("table", Kind.KEY, "Landing table."),
        Column("present", Kind.FLAG, "Delivered."),
        Column("rows", Kind.WHOLE, "Rows usable.", minimum=0),
        Column("note", Kind.TEXT, "What is unavailable without it, or how it was filled.", nullable=True),
    ),
)

DATA_FINDINGS = Table(
    name="data_findings",
    layer=Layer.CONFORMED,
    meaning="What the data gates found in rows that came through, or in tables as a whole.",
    key=("finding",),
    columns=FINDING_COLUMNS,
)

TABLES: tuple[Table, ...] = (
    WORKING_TIME,
    PLANT_DAYS,
    KEY_MAP,
    QUARANTINE,
    ROW_COUNTS,
    AVAILABILITY,
    DATA_FINDINGS,
)
