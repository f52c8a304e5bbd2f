"""Tables that conforming makes beside the landing tables themselves: working time, keys, quarantine, counts, findings.

Belongs here: descriptions only. What fills them lives in `recon_platform.conform`.
"""

from __future__ import annotations

from recon_platform.tables.model import SIGNED, Column, Kind, Layer, Table
from recon_platform.tables.reconciled import FINDING_COLUMNS

SEVERITIES = ("low", "medium", "high", "critical")

WORKING_TIME = Table(
    name="working_time",
    layer=Layer.CONFORMED,
    meaning="When each machine works: calendar with exceptions, less planned downtime; intervals never overlap, nor "
    "touch within one kind. Vendors (external work centers) work round the clock.",
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
    agent="reconciler",
    columns=(*FINDING_COLUMNS, *SIGNED),
)

KEY_PROPOSALS = Table(
    name="key_proposals",
    layer=Layer.CONFORMED,
    meaning="Unknown keys and the known key each resembles most. A proposal only: it holds once somebody adds it to "
    "the cross-reference table.",
    key=("source", "table", "column", "raw_key"),
    columns=(
        Column("source", Kind.KEY, "erp or mes."),
        Column("table", Kind.KEY, "Landing table."),
        Column("column", Kind.KEY, "Column of it."),
        Column("raw_key", Kind.TEXT, "The unknown key."),
        Column("proposed_key", Kind.KEY, "The known key it resembles."),
        Column("score", Kind.NUMBER, "Likeness of the two.", unit="0 to 100", minimum=0, maximum=100),
        Column("second_score", Kind.NUMBER, "Likeness of the next best known key.", nullable=True, unit="0 to 100"),
        Column("rows", Kind.WHOLE, "Rows that carry the unknown key.", minimum=1),
    ),
)

LOT_ROOTS = Table(
    name="lot_roots",
    layer=Layer.CONFORMED,
    meaning="From which first lot each lot descends, however often it was split; a merged lot has several roots.",
    key=("lot", "root"),
    columns=(
        Column("lot", Kind.KEY, "Lot."),
        Column("root", Kind.KEY, "First lot it descends from; itself where it has no parent."),
        Column("depth", Kind.WHOLE, "Splits between the two; the shortest way.", minimum=0),
    ),
)

PARAMETER_PROPOSALS = Table(
    name="parameter_proposals",
    layer=Layer.CONFORMED,
    meaning="Lead times, run and set-up times, yields and downtime as they were measured. Used only once a person approved them.",
    key=("kind", "subject"),
    agent="parameter_learner",
    columns=(
        Column(
            "kind", Kind.TEXT, "What was learned.", allowed=("lead_time", "run_time", "setup_time", "yield", "downtime")
        ),
        Column(
            "subject",
            Kind.KEY,
            "What for: supplier/item, item/routing/op_seq, work center/from value/to value, or work center.",
        ),
        Column("item", Kind.KEY, "Its item, if it is of one.", nullable=True, refers_to="items"),
        Column("current", Kind.NUMBER, "Value planned with today.", nullable=True, unit="unit of the row"),
        Column(
            "proposed",
            Kind.NUMBER,
            "Value proposed: lead times P80, downtime the efficiency that its mean leaves, else P50.",
            unit="unit of the row",
        ),
        Column("p50", Kind.NUMBER, "Median of what was measured.", unit="unit of the row"),
        Column("p80", Kind.NUMBER, "80th percentile of what was measured.", unit="unit of the row"),
        Column("samples", Kind.WHOLE, "Measurements behind it.", minimum=1),
        Column("unit", Kind.TEXT, "Unit of the values."),
        Column("stale", Kind.FLAG, "The planned value is off by more than the tolerance of the policy."),
        *SIGNED,
    ),
)

TABLES: tuple[Table, ...] = (
    WORKING_TIME,
    PLANT_DAYS,
    KEY_MAP,
    QUARANTINE,
    ROW_COUNTS,
    AVAILABILITY,
    DATA_FINDINGS,
    KEY_PROPOSALS,
    LOT_ROOTS,
    PARAMETER_PROPOSALS,
)
