"""Load a generated night into PostgreSQL as if it were the plant's ERP and MES, and write the plant.toml that reads it.

    recon generate plant --orders 200 --nights 1
    python examples/postgres/load_plant.py plant/2026-03-02 --url postgresql://me@localhost/plant --plant-file plant.toml
    recon connect test --plant-file plant.toml
    recon connect extract --plant-file plant.toml --out landing/2026-03-02

Schema `erp` holds what the ERP would, `mes` the rest. Every row has `changed_at` and `row_version`; a trigger moves both
at every change, and a change of an operation moves its order too: the order's version is what a write-back checks.
"""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import psycopg2

from recon_platform.tables.model import Kind, Table
from recon_platform.tables.registry import TABLES

TYPES = {
    Kind.NUMBER: "double precision", Kind.WHOLE: "bigint", Kind.FLAG: "boolean", Kind.DAY: "date",
    Kind.INSTANT: "timestamptz", Kind.CLOCK: "time",
}  # fmt: skip
VALUES = {
    Kind.NUMBER: pl.all().cast(pl.Float64, strict=False),
    Kind.WHOLE: pl.all().cast(pl.Int64, strict=False),
    Kind.DAY: pl.all().str.to_date(strict=False),
}

TRIGGERS = """
CREATE FUNCTION erp.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.changed_at := clock_timestamp(); NEW.row_version := OLD.row_version + 1; RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON erp.work_orders FOR EACH ROW EXECUTE FUNCTION erp.touch();
CREATE TRIGGER touch BEFORE UPDATE ON erp.work_order_operations FOR EACH ROW EXECUTE FUNCTION erp.touch();
CREATE FUNCTION erp.touch_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE erp.work_orders SET row_version = row_version WHERE work_order = NEW.work_order; RETURN NULL; END $$;
CREATE TRIGGER touch_order AFTER UPDATE ON erp.work_order_operations FOR EACH ROW EXECUTE FUNCTION erp.touch_order();
"""

WRITE_BACK = '''
[connect.erp.write_back]
staging = "erp.recon_write_back"

[connect.erp.write_back.finite_dates]
version = "SELECT row_version FROM erp.work_orders WHERE work_order = :subject FOR UPDATE"
apply = """
UPDATE erp.work_order_operations SET work_center = :work_center, planned_start = :planned_start, planned_end = :planned_end
WHERE work_order = :subject AND op_seq = :op_seq"""
read_back = """
SELECT work_center, planned_start, planned_end FROM erp.work_order_operations
WHERE work_order = :subject AND op_seq = :op_seq"""
'''


def load(landing: Path, url: str) -> dict[str, Table]:
    """Make both schemas anew and fill them from `landing`; gives the tables by name."""
    made: dict[str, Table] = {}
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        for schema in ("erp", "mes"):
            cursor.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        for path in sorted(landing.iterdir()):
            table = TABLES.get(path.stem)
            if table is None or path.suffix not in (".csv", ".parquet") or table.name == "feeds":
                continue
            frame = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
            place = f"{table.source}.{table.name}"
            columns = ", ".join(f'"{name}" {_type(table, frame, name)}' for name in frame.columns)
            cursor.execute(
                f"CREATE TABLE {place} ({columns}, changed_at timestamptz NOT NULL DEFAULT now(), "
                "row_version bigint NOT NULL DEFAULT 1)"
            )
            names = ", ".join(f'"{name}"' for name in frame.columns)
            cursor.copy_expert(
                f"COPY {place} ({names}) FROM STDIN (FORMAT csv)",
                io.BytesIO(frame.write_csv(include_header=False).encode()),
            )
            if table.key and set(table.key) <= set(frame.columns):
                cursor.execute(f"CREATE INDEX ON {place} ({', '.join(json.dumps(name) for name in table.key)})")
            made[table.name] = replace(table, key=tuple(name for name in table.key if name in frame.columns))
        cursor.execute(TRIGGERS)
    return made


def _type(table: Table, frame: pl.DataFrame, name: str) -> str:
    """The column's type in the database: that of the contract where every value has it, else text, as in real life."""
    kind = table.column(name).kind if name in table.column_names else Kind.TEXT
    text, value = frame.select(pl.col(name).cast(pl.String)), VALUES.get(kind)
    if value is not None and text.select(value).to_series().null_count() > text.to_series().null_count():
        return "text"
    if kind is Kind.INSTANT and not text.to_series().drop_nulls().str.ends_with("Z").all():
        return "text"
    return TYPES.get(kind, "text")


def plant_file(landing: Path, url: str, tables: dict[str, Table], *, password: str | None) -> str:
    """`plant.toml` of the night, with the database as its one system."""
    base = (landing / "plant.toml").read_text(encoding="utf-8")
    lines = ["", "[connect.erp]", 'kind = "sql"', f"url = {json.dumps(url)}"]
    lines += [f"password = {json.dumps(password)}"] if password else []
    for name, table in sorted(tables.items()):
        lines += ["", f"[connect.erp.tables.{name}]"]
        lines += [
            f'query = "SELECT * FROM {table.source}.{name}"',
            f"key = {json.dumps(list(table.key))}",
            'watermark = "changed_at"',
        ]
    return base + "\n".join(lines) + "\n" + WRITE_BACK


def main() -> None:
    """Load, and write the plant file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("landing", type=Path)
    parser.add_argument("--url", required=True, help="postgresql://user@host/database")
    parser.add_argument("--plant-file", type=Path, required=True)
    parser.add_argument("--password", help="name of the secret that holds the password")
    given = parser.parse_args()
    tables = load(given.landing, given.url)
    given.plant_file.write_text(plant_file(given.landing, given.url, tables, password=given.password), encoding="utf-8")
    print(f"{len(tables)} tables in schemas erp and mes; {given.plant_file} reads them")  # noqa: T201 - what it did


if __name__ == "__main__":
    main()
