"""Conform one night: landing tables as they came in, typed tables with one key, one unit and one calendar out.

Belongs here: the order of the steps and what is fatal. Each step has a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon_platform.conform.calendars import plant_days, working_time
from recon_platform.conform.duplicates import refuse_duplicates
from recon_platform.conform.fill import explode_operations, fill_machines
from recon_platform.conform.findings import found, together
from recon_platform.conform.keys import MAP_SCHEMA, Register, cleaned, valid_xref
from recon_platform.conform.quantities import BY_TABLE, to_base_units
from recon_platform.conform.read import read_cells
from recon_platform.conform.references import (
    FIRST,
    MASTERS,
    ONE_ROW_MASTERS,
    read_own_keys,
    read_references,
    references,
)  # fmt: skip
from recon_platform.conform.sheet import ID, Sheet, start_sheet
from recon_platform.conform.units import canonical, item_factors
from recon_platform.tables.conformed import AVAILABILITY, KEY_MAP, QUARANTINE, ROW_COUNTS
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames, Kind, Layer, Table
from recon_platform.tables.registry import TABLES, conformed_table

XREFS = {"item_xref": "items", "work_center_xref": "work_centers", "order_xref": "work_orders"}
CANNOT_BE_EMPTY = ("items", "calendars")


class ConformError(ValueError):
    """The night cannot be conformed; the message lists every table that is unusable and why."""


def conform(raw: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Every contract table typed and canonical, `working_time`, `plant_days`, and what was found on the way.

    Raises ConformError where a required table is missing or holds no valid row though rows came.
    """
    tables = {table.name: table for table in TABLES.values() if table.layer is Layer.LANDING}
    _require(raw, tables)
    state = _Night(tables, raw, context)
    for name in [*FIRST, *(name for name in tables if name not in FIRST)]:
        state.read(name)
    state.require_rows()
    return state.result()


def _require(raw: Frames, tables: Mapping[str, Table]) -> None:
    missing = [name for name, table in tables.items() if not table.optional and name not in raw]
    if missing:
        raise ConformError(
            f"required tables are missing: {', '.join(missing)}; deliver them or declare them absent in plant.toml"
        )


class _Night:
    """The tables of one night while they are conformed, in dependency order."""

    def __init__(self, tables: Mapping[str, Table], raw: Frames, context: PlanContext) -> None:
        self.tables, self.raw, self.context = tables, raw, context
        self.timezone = context.plant.timezone
        self.delivered = frozenset(name for name in tables if name in raw)
        self.sheets: dict[str, Sheet] = {}
        self.registers = {master: Register(master) for master in MASTERS}
        self.key_map: list[pl.DataFrame] = []
        self.found: list[pl.DataFrame] = []
        self.base = pl.DataFrame(schema={"item": pl.String, "uom": pl.String, "code": pl.String})
        self.factors: pl.DataFrame | None = None

    def read(self, name: str) -> None:
        """Conform one table; those it refers to must have been read before."""
        sheet = self.sheets[name] = start_sheet(self.tables[name], self.raw.get(name))
        doubts = read_cells(sheet, self.timezone)
        if sheet.raw.is_empty():
            self._register(name, sheet)
            return
        self._report_doubts(sheet, doubts)
        if name in MASTERS:
            rows, clashes = read_own_keys(sheet)
            self.key_map.append(rows)
            self._report_collisions(clashes)
        prefixes: dict[str, list[str]] = {}
        rows, unknown = read_references(sheet, self.registers, prefixes, self.delivered)
        self.key_map.append(rows)
        self._report_unknown(unknown)
        self._clean_other_keys(sheet)
        if name in BY_TABLE:
            to_base_units(sheet, self.sheets, self.base, self._factors())
        refuse_duplicates(sheet)
        if name == "routings":
            _refuse_broken_routings(sheet)
        self._register(name, sheet)

    def _factors(self) -> pl.DataFrame:
        if self.factors is None:
            coded = self.sheets["items"].frame.with_columns(canonical(pl.col("uom")).alias("uom"))
            self.factors = item_factors(self.sheets["uom_conversions"].frame, coded)
        return self.factors

    def _register(self, name: str, sheet: Sheet) -> None:
        """Make the keys of a master known to the tables read after it."""
        if name in MASTERS:
            self.registers[name].add(sheet.frame[MASTERS[name]])
        if name == "inventory":
            self.registers["lots"].add(sheet.frame["lot"])
        if name == "items":
            self.base = sheet.frame.select("item", "uom", canonical(pl.col("uom")).alias("code"))
        if name in XREFS:
            register = self.registers[XREFS[name]]
            register.xref = pl.concat([register.xref, valid_xref(sheet.frame, self.context.planning_date)])
        if name == "machines":
            filled = fill_machines(sheet.frame, self.sheets["work_centers"].frame)
            self.registers["machines"].add(filled["machine"])
            alias = filled.filter(pl.col("mes_machine").is_not_null()).select(
                pl.lit("mes").alias("source"), pl.col("mes_machine").alias("name"), pl.col("machine").alias("key"),
                pl.lit("alias").alias("rule"),
            )  # fmt: skip
            self.registers["machines"].xref = pl.concat([self.registers["machines"].xref, alias])

    def _clean_other_keys(self, sheet: Sheet) -> None:
        named = {*references(sheet), MASTERS.get(sheet.table.name, "")}
        columns = [c.name for c in sheet.table.columns if c.kind is Kind.KEY and c.name not in named]
        if columns:
            sheet.frame = sheet.frame.with_columns(cleaned(pl.col(name)).alias(name) for name in columns)

    def _report_doubts(self, sheet: Sheet, doubts: pl.DataFrame) -> None:
        if doubts.is_empty():
            return
        where = sheet.raw.select(ID, "_file", "_row")
        for doubt, gate in (("ambiguous", "time_ambiguous"), ("nonexistent", "time_nonexistent")):
            rows = doubts.filter(pl.col("doubt") == doubt).join(where, on=ID)
            self.found.append(
                found(
                    rows, gate, entity=pl.format("{}/{}/{}", pl.lit(sheet.table.name), "_file", "_row"), field=pl.col("column"),
                    evidence=pl.struct("_file", "_row", "column"),
                )
            )  # fmt: skip

    def _report_collisions(self, clashes: pl.DataFrame) -> None:
        self.found.append(
            found(
                clashes, "key_collision", entity=pl.format("{}/{}", "table", "key"), erp_value=pl.col("raw_keys"),
                correction="kept apart; give one of them another key or merge them in the ERP", evidence=pl.struct("table", "key", "raw_keys"),
            )
        )  # fmt: skip

    def _report_unknown(self, unknown: pl.DataFrame) -> None:
        self.found.append(
            found(
                unknown, "key_unknown", entity=pl.format("{}.{}/{}", "table", "column", "key"), field=pl.col("column"),
                erp_value=pl.col("key"), evidence=pl.struct("table", "column", "key", "refers_to", "rows"),
            )
        )  # fmt: skip

    def require_rows(self) -> None:
        """Raise ConformError naming every required table of which rows came and none is valid, or that cannot be empty."""
        problems = []
        for name, sheet in self.sheets.items():
            if sheet.table.optional or not sheet.frame.is_empty():
                continue
            came = sheet.raw.height
            if came:
                worst = sheet.quarantine().row(0, named=True)
                problems.append(
                    f"{name}: all {came} rows are refused, first {worst['file']} row {worst['row']}: {worst['reason']}"
                )
            elif name in CANNOT_BE_EMPTY:
                problems.append(f"{name}: no rows")
        if problems:
            raise ConformError("tables that stop the night: " + "; ".join(problems))

    def result(self) -> dict[str, pl.DataFrame]:
        made = {name: sheet.result() for name, sheet in self.sheets.items()}
        notes: dict[str, str] = {}
        made["machines"] = fill_machines(made["machines"], made["work_centers"])
        calendar = self._plant_calendar(made)
        capacity = self.context.policy.capacity
        made["working_time"] = working_time(
            made["machines"], made["work_centers"], made["calendars"], made["calendar_exceptions"], made["planned_downtime"],
            as_of=self.context.as_of, horizon_days=capacity.horizon_days, timezone=self.timezone,
        )  # fmt: skip
        made["plant_days"] = plant_days(
            made["calendars"].filter(pl.col("calendar") == calendar), made["calendar_exceptions"].filter(pl.col("calendar") == calendar),
            as_of=self.context.as_of, planning_date=self.context.planning_date, horizon_days=capacity.horizon_days, timezone=self.timezone,
        )  # fmt: skip
        if made["plant_days"].is_empty():
            raise ConformError(f"calendar {calendar!r} has no regular working day; correct table calendars")
        made["work_order_operations"], missing = explode_operations(
            made["work_order_operations"],
            made["work_orders"],
            made["routings"],
            undated_start=pl.lit(self.context.planning_date),
        )
        self.found.append(
            found(
                missing, "routing_missing", entity=pl.col("work_order"), field="routing", erp_value=pl.col("routing"),
                correction="give the item a routing valid on that day, or the order its operations",
                evidence=pl.struct("work_order", "item", "routing", "start"),
            )
        )  # fmt: skip
        made["key_map"] = _key_map(self.key_map)
        made["quarantine"] = _quarantine(self.sheets.values())
        made["row_counts"] = _row_counts(self.sheets)
        made["availability"] = _availability(self.sheets, notes)
        made["data_findings"] = together(self.found)
        return {
            name: made[name] if name not in self.tables else made[name].cast(pl.Schema(conformed_table(name).schema))
            for name in made
        }  # type: ignore[arg-type]

    def _plant_calendar(self, made: Mapping[str, pl.DataFrame]) -> str:
        wanted = self.context.plant.calendar
        calendars = made["calendars"]["calendar"].unique().sort()
        known = self.registers["calendars"].resolve(pl.Series([wanted]), "erp").row(0, named=True)
        if known["state"] == "known":
            return str(known["key"])
        used = made["work_centers"].filter(~pl.col("external").fill_null(value=False)).join(
            made["calendars"].filter(pl.col("kind") == "regular").select("calendar").unique(), on="calendar"
        )["calendar"]  # fmt: skip
        stand_in = (
            used.value_counts().sort("count", "calendar", descending=[True, False])["calendar"][0]
            if used.len()
            else calendars[0]
        )
        row = pl.DataFrame({"wanted": [wanted], "taken": [stand_in]})
        self.found.append(
            found(
                row, "plant_calendar", entity=pl.lit(self.context.plant.code), field="calendar", erp_value=pl.col("wanted"),
                correction=pl.format("taken: {}", "taken"), evidence=pl.struct("wanted", "taken"), applied=True,
            )
        )  # fmt: skip
        return str(stand_in)


def _refuse_broken_routings(sheet: Sheet) -> None:
    """Refuse what is left of a routing of which an operation was refused: without it the routing would skip a step."""
    lost = [part for part in sheet.refused if not part.is_empty()]
    if not lost:
        return
    ids = (
        pl.concat(lost).filter(pl.col("gate") != "duplicate_row", pl.col("gate") != "duplicate_key").select(ID).unique()
    )
    broken = sheet.raw.join(ids, on=ID).select(
        cleaned(pl.col("item").cast(pl.String)).alias("item"), cleaned(pl.col("routing").cast(pl.String)).alias("routing"),
        pl.col("op_seq").cast(pl.String).alias("_lost"),
    )  # fmt: skip
    broken = broken.group_by("item", "routing").agg(pl.col("_lost").sort().str.join(", "))
    columns = sheet.frame.columns
    sheet.frame = sheet.frame.join(broken, on=["item", "routing"], how="left", maintain_order="left")
    sheet.refuse(
        pl.col("_lost").is_not_null(),
        "routing",
        pl.format("operation {} of this routing was refused", "_lost"),
        "high",
        "routing_broken",
    )
    sheet.frame = sheet.frame.select(columns)


def _key_map(parts: list[pl.DataFrame]) -> pl.DataFrame:
    filled = [part for part in parts if not part.is_empty()]
    rows = pl.concat(filled) if filled else pl.DataFrame(schema=MAP_SCHEMA)
    key = list(KEY_MAP.key)
    return KEY_MAP.frame(rows.sort(*key, "key").unique(key, keep="first", maintain_order=True))


def _quarantine(sheets: object) -> pl.DataFrame:
    parts = [part for sheet in sheets if not (part := sheet.quarantine()).is_empty()]  # type: ignore[attr-defined]
    rows = pl.concat(parts) if parts else QUARANTINE.empty()
    return QUARANTINE.frame(rows).sort(*QUARANTINE.key)


def _row_counts(sheets: Mapping[str, Sheet]) -> pl.DataFrame:
    rows = [
        {"table": name, "rows_in": sheet.raw.height, "rows_out": sheet.frame.height, "rows_quarantined": sheet.raw.height - sheet.frame.height}
        for name, sheet in sorted(sheets.items())
    ]  # fmt: skip
    return ROW_COUNTS.frame(pl.DataFrame(rows))


def _availability(sheets: Mapping[str, Sheet], notes: Mapping[str, str]) -> pl.DataFrame:
    rows = [
        {"table": name, "present": sheet.present, "rows": sheet.frame.height, "note": notes.get(name)}
        for name, sheet in sorted(sheets.items())
    ]
    return AVAILABILITY.frame(pl.DataFrame(rows, schema_overrides={"note": pl.String}))


__all__ = ["ONE_ROW_MASTERS", "ConformError", "conform"]
