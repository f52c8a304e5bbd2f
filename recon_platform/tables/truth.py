"""The truth beside a generated plant: every planted error, where it stands, and what should find it."""

from __future__ import annotations

from recon_platform.tables.model import Column, Kind, Layer, Table

TRUTH = Table(
    "truth",
    Layer.TRUTH,
    "One row per planted error and field: what is true, what was reported, and which rules or gates should say so.",
    (
        Column("kind", Kind.TEXT, "Kind of drift, the name the generator gives it."),
        Column("table", Kind.TEXT, "Landing table that carries the error."),
        Column("row", Kind.WHOLE, "Data row of that table's file, 1-based; none where a row is missing.", True),
        Column("key", Kind.TEXT, "Key of the row as the other system writes it."),
        Column("field", Kind.TEXT, "Column; `*` for a whole row."),
        Column("true_value", Kind.TEXT, "What is true.", True),
        Column("reported_value", Kind.TEXT, "What the file says.", True),
        Column("night", Kind.DAY, "Planning date of the landing folder."),
        Column("observable", Kind.FLAG, "The landed data alone can show it."),
        Column(
            "expected_rules",
            Kind.TEXT,
            "Rules and gates that must fire on the entity, comma separated, sorted; severity INFO is left out.",
            True,
        ),
        Column("entity_type", Kind.TEXT, "What the rules speak about: `work_order`, `item`, `machine`, `feed`, `row`."),
        Column("entity", Kind.KEY, "Which one, by its canonical key."),
        Column("drift_kind", Kind.TEXT, "Number of the kind in the list of drift kinds, and a short name."),
    ),
    (),
    owner="simulation",
)

TABLES: tuple[Table, ...] = (TRUTH,)
