"""Odoo 17 as a source: its models read over JSON-RPC, made into landing tables by the profile `odoo17`.

A plant may name a profile folder of its own that starts from the shipped one. Odoo has no snapshot over RPC: orders and
their operations are read last and close together, and their version is checked again when dates are written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from recon_platform.connectors.door import DoorError, Reading, SourceTable
from recon_platform.connectors.files import landing_tables
from recon_platform.connectors.mapping import apply_profile
from recon_platform.connectors.odoo_rpc import OdooClient, OdooRefusedError, Record

PROFILE = "odoo17"
MODELS: Mapping[str, tuple[str, ...]] = {
    "uom.uom": ("name", "factor"),
    "product.template": ("name", "uom_id", "detailed_type", "weight", "sale_delay"),
    "product.product": ("default_code", "product_tmpl_id", "active"),
    "res.partner": ("name", "email"),
    "product.supplierinfo": ("partner_id", "product_id", "product_tmpl_id", "delay", "min_qty", "price", "sequence"),
    "resource.calendar": ("name", "tz"),
    "resource.calendar.attendance": (
        "calendar_id", "dayofweek", "hour_from", "hour_to", "day_period", "resource_id", "display_type",
    ),
    "mrp.workcenter": (
        "name", "code", "resource_id", "resource_calendar_id", "time_efficiency", "default_capacity", "time_start",
        "time_stop", "costs_hour", "active",
    ),
    "mrp.bom": ("product_id", "product_tmpl_id", "product_qty", "product_uom_id", "type", "sequence", "active", "produce_delay"),
    "mrp.bom.line": ("bom_id", "product_id", "product_qty", "product_uom_id", "operation_id"),
    "mrp.routing.workcenter": ("bom_id", "workcenter_id", "name", "sequence", "time_cycle_manual"),
    "stock.location": ("complete_name", "usage"),
    "stock.quant": ("product_id", "location_id", "lot_id", "quantity"),
    "stock.warehouse.orderpoint": ("product_id", "product_min_qty", "qty_multiple"),
    "purchase.order": ("name", "partner_id", "state", "date_order", "date_planned"),
    "purchase.order.line": (
        "order_id", "product_id", "product_qty", "qty_received", "product_uom", "date_planned", "display_type",
    ),
    "sale.order": ("name", "partner_id", "state", "date_order", "commitment_date"),
    "sale.order.line": (
        "order_id", "product_id", "product_uom_qty", "qty_delivered", "product_uom", "customer_lead", "price_unit",
        "display_type",
    ),
    "resource.calendar.leaves": ("name", "calendar_id", "resource_id", "date_from", "date_to", "time_type"),
    "mrp.workcenter.productivity": (
        "workcenter_id", "loss_id", "loss_type", "description", "date_start", "date_end", "write_date",
    ),
    "stock.move": ("product_id", "product_qty", "state", "production_id", "raw_material_production_id"),
    "mrp.workorder": (
        "name", "production_id", "workcenter_id", "operation_id", "state", "qty_produced", "date_start", "date_finished",
        "leave_id", "write_date",
    ),
    "mrp.production": (
        "name", "product_id", "product_qty", "product_uom_id", "bom_id", "state", "date_start", "date_finished",
        "date_deadline", "write_date",
    ),
}  # fmt: skip
"""What is read of each model, in this order."""


class OdooDoor:
    """An Odoo 17 that landing tables are read from. `zone` is the plant's: dates of landing tables are its own."""

    def __init__(self, name: str, client: OdooClient, zone: ZoneInfo, *, profile: str | Path = PROFILE) -> None:
        self.name = name
        self._client, self._zone, self._profile = client, zone, profile
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._tables: dict[str, SourceTable] = {}

    def tables(self) -> Mapping[str, SourceTable]:
        """Landing tables that the profile makes; all are read whole."""
        self._landed()
        return self._tables

    def open(self) -> datetime:
        """Read every model. Gives the time before the first was read: Odoo tells no time of its own."""
        began = datetime.now(UTC)
        self.close()
        self._landed()
        return began

    def extract(self, table: str, since: str | None) -> Iterator[pl.DataFrame]:
        """The rows of `table` as the profile makes them."""
        yield pl.read_csv(self._landed() / f"{table}.csv", infer_schema=False)

    def keys(self, table: str) -> pl.DataFrame:
        """No table is incremental, so nobody asks."""
        raise DoorError(f"{self.name}: tables of Odoo are read whole")

    def close(self) -> None:
        """Forget what was read."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def check(self) -> Sequence[Reading]:
        """Rights and fields model by model, then what the profile makes of everything."""
        found = []
        for model, wanted in MODELS.items():
            try:
                there = self._client.fields(model)
                rows = self._client.search_read(model, [], [name for name in wanted if name in there], limit=1)
            except OdooRefusedError as error:
                found.append(Reading(model, False, f"cannot be read: {error}"))
                continue
            missing = [name for name in wanted if name not in there]
            text = "readable" if rows else "readable, and empty"
            found.append(
                Reading(model, not missing, text + (f"; field {', '.join(missing)} is missing" if missing else ""))
            )
        if all(reading.readable for reading in found):
            found += [Reading(name, True, "made by the profile") for name in self.tables()]
        absent = [t.name for t in landing_tables().values() if not t.optional and t.name not in self._tables]
        found += [Reading(name, True, "not handed over: declare it absent") for name in absent if name != "feeds"]
        return found

    def _landed(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="odoo-")
            source, out = Path(self._folder.name) / "models", Path(self._folder.name) / "landing"
            source.mkdir()
            for model, wanted in MODELS.items():
                self._model(model, wanted).write_parquet(source / f"{model}.parquet")
            apply_profile(self._profile, source, out)
            contract = landing_tables()
            self._tables = {
                p.stem: SourceTable(p.stem, contract[p.stem].source or "erp") for p in sorted(out.glob("*.csv"))
            }
        return Path(self._folder.name) / "landing"

    def _model(self, model: str, wanted: Sequence[str]) -> pl.DataFrame:
        try:
            types = self._client.fields(model)
            gone = [name for name in wanted if name not in types]
            if gone:
                raise DoorError(
                    f"{self.name}: model {model} has no field {gone[0]}; is it Odoo 17, with what the profile needs?"
                )
            records = self._client.search_read(model, [], wanted)
        except OdooRefusedError as error:
            raise DoorError(f"{self.name}: model {model} cannot be read: {error}") from None
        return as_frame(records, {name: types[name] for name in wanted}, self._zone)


def as_frame(records: Sequence[Record], types: Mapping[str, str], zone: ZoneInfo) -> pl.DataFrame:
    """Records as text columns: `id`; `f` and `f__name` of a many2one; instants with `Z`, and `f__day` in `zone`.

    Odoo gives False where a field is empty, and instants without a zone, in UTC.
    """
    columns = [pl.Series("id", [str(record["id"]) for record in records], pl.String)]
    for name, kind in types.items():
        raw: list[Any] = [record[name] for record in records]
        values = raw if kind == "boolean" else [None if value is False else value for value in raw]
        if kind == "many2one":
            columns.append(pl.Series(name, [None if v is None else str(v[0]) for v in values], pl.String))
            columns.append(pl.Series(f"{name}__name", [None if v is None else str(v[1]) for v in values], pl.String))
        elif kind == "datetime":
            instant = pl.Series(name, values, pl.String).str.to_datetime("%Y-%m-%d %H:%M:%S", time_zone="UTC")
            columns.append(instant.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
            columns.append(instant.dt.convert_time_zone(str(zone)).dt.strftime("%Y-%m-%d").alias(f"{name}__day"))
        else:
            text = [None if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in values]
            columns.append(pl.Series(name, text, pl.String))
    return pl.DataFrame(columns)
