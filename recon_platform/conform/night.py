"""Conform one night: landing tables as they came in, typed tables with one key, one unit and one calendar out.

Belongs here: the order of the steps and what is fatal. Each step has a module of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from recon_platform.conform import outcome
from recon_platform.conform.calendars import plant_days, working_time
from recon_platform.conform.checks_floor import floor_findings
from recon_platform.conform.checks_master import VALIDITIES, master_findings, refuse_bom_loops, validity_findings
from recon_platform.conform.duplicates import refuse_duplicates
from recon_platform.conform.feeds import clock_findings, feed_findings
from recon_platform.conform.fill import explode_operations, fill_machines, refuse_broken_routings
from recon_platform.conform.findings import found, together
from recon_platform.conform.history import cut_overlaps
from recon_platform.conform.keys import Register, cleaned, valid_xref
from recon_platform.conform.learning import parameter_proposals, stale_parameters
from recon_platform.conform.likeness import propose_keys
from recon_platform.conform.lots import looping_lots, lot_roots
from recon_platform.conform.quantities import BY_TABLE, to_base_units
from recon_platform.conform.read import read_cells
from recon_platform.conform.references import (
    FIRST,
    MASTERS,
    REPORTED_WHEN_UNKNOWN,
    read_own_keys,
    read_references,
    references,
)  # fmt: skip
from recon_platform.conform.series import id_gaps
from recon_platform.conform.sheet import ID, Sheet, start_sheet
from recon_platform.conform.spreadsheet import REPAIR_SCHEMA, date_ends, roll_over_midnight
from recon_platform.conform.stops import Days
from recon_platform.conform.units import canonical, item_factors
from recon_platform.tables.context import PlanContext
from recon_platform.tables.model import Frames, Kind, Layer, Table
from recon_platform.tables.registry import TABLES, conformed_table

XREFS = {"item_xref": "items", "work_center_xref": "work_centers", "order_xref": "work_orders"}
CANNOT_BE_EMPTY = ("items", "calendars")
BEFORE = "row_counts_before"  # optional input: deliveries of earlier nights (night, table, rows)


class ConformError(ValueError):
    """The night cannot be conformed; the message lists every table that is unusable and why."""


def conform(raw: Frames, context: PlanContext) -> dict[str, pl.DataFrame]:
    """Every contract table typed and canonical, `working_time`, `plant_days`, and what was found on the way.

    `raw` holds the landing tables by name; with `row_counts_before` (night, table, rows of earlier nights) shrunken
    feeds are found too. Raises ConformError where a required table is missing, holds no valid row though rows came, or
    the plant calendar has no working day.
    """
    tables = {table.name: table for table in TABLES.values() if table.layer is Layer.LANDING}
    missing = [name for name, table in tables.items() if not table.optional and name not in raw]
    if missing:
        raise ConformError(
            f"required tables are missing: {', '.join(missing)}; deliver them or declare them absent in plant.toml"
        )
    night = NightTables(tables, raw, context, frozenset(name for name in tables if name in raw))
    for name in [*FIRST, *(name for name in tables if name not in FIRST)]:
        night.read(name)
    night.require_rows()
    return night.result()


class NightTables:
    """The tables of one night while they are conformed, in dependency order; `delivered` names those that came."""

    def __init__(
        self, tables: Mapping[str, Table], raw: Frames, context: PlanContext, delivered: frozenset[str]
    ) -> None:
        self.tables, self.raw, self.context, self.delivered = tables, raw, context, delivered
        self.timezone, self.spine = context.plant.timezone, context.policy.spine
        self.sheets: dict[str, Sheet] = {}
        self.registers = {master: Register(master) for master in MASTERS}
        self.key_map: list[pl.DataFrame] = []
        self.unknown: list[pl.DataFrame] = []
        self.found: list[pl.DataFrame] = []
        self.base = pl.DataFrame(schema={"item": pl.String, "uom": pl.String, "code": pl.String})
        self.factors: pl.DataFrame | None = None

    def read(self, name: str) -> None:
        """Conform one table; those it refers to must have been read before."""
        sheet = self.sheets[name] = start_sheet(self.tables[name], self.raw.get(name))
        dated = date_ends(sheet)
        doubts = read_cells(sheet, self.timezone)
        if sheet.raw.is_empty():
            self._register(name, sheet)
            return
        self._report_times(sheet, doubts, [dated, roll_over_midnight(sheet, doubts)])
        if name in MASTERS:
            rows, clashes = read_own_keys(sheet)
            self.key_map.append(rows)
            self._report_collisions(clashes)
        rows, unknown = read_references(sheet, self.registers, self.spine.key_prefixes, self.delivered)
        self.key_map.append(rows)
        self.unknown.append(unknown)
        self._clean_other_keys(sheet)
        if name in BY_TABLE:
            to_base_units(sheet, self.sheets, self.base, self._factors())
        refuse_duplicates(sheet)
        if name == "routings":
            refuse_broken_routings(sheet)
        if name == "bom_lines":
            refuse_bom_loops(sheet)
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
            if sheet.refused:
                gone = pl.concat([part.select(ID) for part in sheet.refused]).unique()
                self.registers[name].add_refused(sheet.raw.join(gone, on=ID, how="semi")[MASTERS[name]])
        if name == "inventory":
            self.registers["lots"].add(sheet.frame["lot"])
        if name == "items":
            self.base = sheet.frame.select("item", "uom", canonical(pl.col("uom")).alias("code"))
        if name in XREFS:
            self.add_names(XREFS[name], valid_xref(sheet.frame, self.context.planning_date))
        if name == "machines":
            filled = fill_machines(sheet.frame, self.sheets["work_centers"].frame)
            self.registers["machines"].add(filled["machine"])
            self.add_machine_names(filled)

    def add_names(self, master: str, names: pl.DataFrame) -> None:
        """Make other names of a master's keys known: source, name, key, rule."""
        self.registers[master].add_names(names)

    def add_machine_names(self, machines: pl.DataFrame) -> None:
        """Make known what the MES calls each machine."""
        alias = machines.filter(pl.col("mes_machine").is_not_null()).select(
            pl.lit("mes").alias("source"), pl.col("mes_machine").alias("name"), pl.col("machine").alias("key"),
            pl.lit("alias").alias("rule"),
        )  # fmt: skip
        self.add_names("machines", alias)

    def _clean_other_keys(self, sheet: Sheet) -> None:
        named = {*references(sheet), MASTERS.get(sheet.table.name, "")}
        columns = [c.name for c in sheet.table.columns if c.kind is Kind.KEY and c.name not in named]
        if columns:
            sheet.frame = sheet.frame.with_columns(cleaned(pl.col(name)).alias(name) for name in columns)

    def _report_times(self, sheet: Sheet, doubts: pl.DataFrame, repairs: list[pl.DataFrame]) -> None:
        """Findings on times that were read though they are doubtful, or mended."""
        if doubts.is_empty() and all(part.is_empty() for part in repairs):
            return
        place = sheet.raw.select(ID, "_file", "_row")
        entity = pl.format("{}/{}/{}", pl.lit(sheet.table.name), "_file", "_row")
        for doubt, gate in (("ambiguous", "time_ambiguous"), ("nonexistent", "time_nonexistent")):
            if not doubts.is_empty():
                rows = doubts.filter(pl.col("doubt") == doubt).join(place, on=ID)
                evidence = pl.struct("_file", "_row", "column")
                self.found.append(found(rows, gate, entity=entity, field=pl.col("column"), evidence=evidence))
        mended = pl.concat([part.cast(pl.Schema(REPAIR_SCHEMA)) for part in repairs])
        if not mended.is_empty():
            self.found.append(
                found(
                    mended.join(place, on=ID), "time_mended", entity=entity, field=pl.col("column"),
                    erp_value=pl.col("written"), correction=pl.format("read as {}", "read_as"), applied=True,
                    evidence=pl.struct("_file", "_row", "column", "written", "read_as"),
                )
            )  # fmt: skip

    def _report_collisions(self, clashes: pl.DataFrame) -> None:
        self.found.append(
            found(
                clashes, "key_collision", entity=pl.format("{}/{}", "table", "key"), erp_value=pl.col("raw_keys"),
                correction="kept apart; give one of them another key or merge them in the ERP",
                evidence=pl.struct("table", "key", "raw_keys"),
            )
        )  # fmt: skip

    def require_rows(self) -> None:
        """Raise ConformError naming every required table that is empty and may not be, or of which no row is valid."""
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
        """All tables of the conformed layer."""
        made = {name: sheet.result() for name, sheet in self.sheets.items()}
        for name, keys in VALIDITIES.items():
            self.found += validity_findings(name, made[name])
            made[name] = cut_overlaps(made[name], keys)
        made["machines"] = fill_machines(made["machines"], made["work_centers"])
        self._compile_time(made)
        self._explode(made)
        made["lot_roots"] = lot_roots(made["lots"])
        made["parameter_proposals"] = parameter_proposals(
            made, self.spine, Days.before(self.context.planning_date, self.timezone)
        )
        made["key_map"] = outcome.key_map(self.key_map)
        made["quarantine"] = outcome.quarantine(self.sheets)
        made["row_counts"] = outcome.row_counts(self.sheets)
        made["availability"] = outcome.availability(self.sheets, made)
        unknown = pl.concat([part for part in self.unknown if part.width])
        made["key_proposals"] = propose_keys(unknown, self.registers, self.spine.proposal_score)
        self._judge(made, unknown)
        made["data_findings"] = together(self.found)
        for name in self.tables:
            schema = pl.Schema(conformed_table(name).schema)
            if made[name].schema != schema:
                made[name] = made[name].cast(schema)
        return made

    def _compile_time(self, made: dict[str, pl.DataFrame]) -> None:
        horizon, as_of = self.context.policy.capacity.horizon_days, self.context.as_of
        made["working_time"] = working_time(
            made["machines"], made["work_centers"], made["calendars"], made["calendar_exceptions"],
            made["planned_downtime"], as_of=as_of, horizon_days=horizon, timezone=self.timezone,
        )  # fmt: skip
        calendar = self._plant_calendar(made)
        of_plant = pl.col("calendar") == calendar
        made["plant_days"] = plant_days(
            made["calendars"].filter(of_plant), made["calendar_exceptions"].filter(of_plant), as_of=as_of,
            planning_date=self.context.planning_date, horizon_days=horizon, timezone=self.timezone,
        )  # fmt: skip
        if made["plant_days"].is_empty():
            raise ConformError(f"calendar {calendar!r} has no regular working day; correct table calendars")

    def _plant_calendar(self, made: Mapping[str, pl.DataFrame]) -> str:
        """The plant calendar, or the calendar most work centers use where the plant names one that does not exist."""
        wanted = self.context.plant.calendar
        known = self.registers["calendars"].resolve(pl.Series([wanted]), "erp").row(0, named=True)
        if known["state"] == "known":
            return str(known["key"])
        regular = made["calendars"].filter(pl.col("kind") == "regular").select("calendar").unique().sort("calendar")
        own = (
            made["work_centers"]
            .filter(~pl.col("external").fill_null(value=False))
            .join(regular, on="calendar", how="semi")
        )
        ranked = own["calendar"].value_counts().sort("count", "calendar", descending=[True, False])["calendar"]
        candidates = [*ranked, *regular["calendar"], *made["calendars"]["calendar"]]
        row = pl.DataFrame({"wanted": [wanted], "taken": [str(candidates[0])]})
        self.found.append(
            found(
                row, "plant_calendar", entity=pl.lit(self.context.plant.code), field="calendar",
                erp_value=pl.col("wanted"), correction=pl.format("taken: {}", "taken"),
                evidence=pl.struct("wanted", "taken"), applied=True,
            )
        )  # fmt: skip
        return str(candidates[0])

    def _explode(self, made: dict[str, pl.DataFrame]) -> None:
        made["work_order_operations"], missing = explode_operations(
            made["work_order_operations"], made["work_orders"], made["routings"],
            undated_start=pl.lit(self.context.planning_date),
        )  # fmt: skip
        self.found.append(
            found(
                missing, "routing_missing", entity=pl.col("work_order"), field="routing", erp_value=pl.col("routing"),
                correction="give the item a routing valid on that day, or the order its operations",
                evidence=pl.struct("work_order", "item", "routing", "start"),
            )
        )  # fmt: skip

    def _judge(self, made: Mapping[str, pl.DataFrame], unknown: pl.DataFrame) -> None:
        """Run the gates that look at whole tables."""
        kept = unknown.filter(~pl.col("refused") & pl.col("refers_to").is_in(list(REPORTED_WHEN_UNKNOWN)))
        self.found.append(
            found(
                kept, "key_unknown", entity=pl.format("{}.{}/{}", "table", "column", "key"), field=pl.col("column"),
                erp_value=pl.col("key"), evidence=pl.struct("table", "column", "key", "refers_to", "rows"),
            )
        )  # fmt: skip
        loops = looping_lots(made["lots"], made["lot_roots"])
        self.found.append(
            found(
                loops,
                "lot_loop",
                entity=pl.format("lots/{}", "lot"),
                mes_value=pl.col("parents"),
                evidence=pl.struct("lot", "parents"),
            )
        )
        rows = {name: sheet.raw.height for name, sheet in self.sheets.items()}
        self.found += feed_findings(made["feeds"], rows, self.context.as_of, self.context.policy, self.raw.get(BEFORE))
        self.found += clock_findings(made, self.context.as_of, self.spine)
        self.found.append(id_gaps(made))
        self.found += master_findings(made)
        self.found += floor_findings(made, self.spine, self._factors(), self.timezone)
        self.found += stale_parameters(made["parameter_proposals"])


__all__ = ["ConformError", "NightTables", "conform"]
