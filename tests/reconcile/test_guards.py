"""Guards: stale or shrunken feeds and too many corrections keep everything at home."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from recon_platform.tables.registry import table
from tests.reconcile.small_plant import AS_OF, TODAY, Rows, backlog, finding, night, order, plant, report

DONE = [report("A", 10, 1000, hours_ago=2), report("A", 20, 1000, hours_ago=2)]


def feeds(erp_minutes_ago: float = 0, mes_minutes_ago: float = 0, rows: int = 100) -> Rows:
    return [
        {"table": "work_orders", "source": "erp", "extracted_at": AS_OF, "rows": 100,
         "watermark": AS_OF - timedelta(minutes=erp_minutes_ago)},
        {"table": "operation_status", "source": "mes", "extracted_at": AS_OF, "rows": rows,
         "watermark": AS_OF - timedelta(minutes=mes_minutes_ago)},
    ]  # fmt: skip


def test_feeds_half_an_hour_apart_are_fine_and_more_are_not() -> None:
    made = night(plant([order("A", good=960)], DONE, feeds=feeds(mes_minutes_ago=30)))
    assert finding(made, "QT-01")["state"] == "applied"
    made = night(plant([order("A", good=960)], DONE, feeds=feeds(mes_minutes_ago=31)))
    guard = finding(made, "G0-FRESH")
    assert (guard["severity"], guard["mode"], guard["state"], guard["rank"]) == ("critical", "block", "open", 1)
    assert finding(made, "QT-01")["held_by"] == "G0-FRESH"
    assert made["order_changes"]["approved_by"].to_list() == [None]
    assert backlog(made, "A")["completed_qty"] == 1000  # the plan still believes the floor; nothing leaves


def test_a_feed_that_shrank_against_the_week_before_blocks_too() -> None:
    def with_rows(tonight: int, before: list[int], name: str = "operation_status") -> dict[str, pl.DataFrame]:
        counts = {"table": name, "rows_in": tonight, "rows_out": tonight, "rows_quarantined": 0}
        nights = [{"night": TODAY - timedelta(days=n), "table": name, "rows": rows} for n, rows in enumerate(before)]
        return plant([order("A", good=960)], DONE) | {
            "row_counts": table("row_counts").frame([counts]), "previous.deliveries": table("deliveries").frame(nights),
        }  # fmt: skip

    tonight_s_own = [1]  # what an earlier run of this night delivered is no night before
    week = [60, 80, 90, 100, 110, 90, 100]  # usual: 90
    made = night(with_rows(71, tonight_s_own + week))
    guard = finding(made, "G0-FRESH")
    assert (guard["entity"], guard["erp_value"], guard["mes_value"]) == ("mes/operation_status", "90", "71")
    assert finding(made, "QT-01")["held_by"] == "G0-FRESH"
    for frames in (
        with_rows(72, tonight_s_own + week),
        with_rows(72, [*tonight_s_own, *week, *[1000] * 7]),  # older than seven nights
        with_rows(2, [1, 9, 9, 9]),  # too few rows ever to tell
        with_rows(5, [1, *week], "downtime_events"),  # a quiet day: no correction rests on it
        plant([order("A", good=960)], DONE),  # nothing to compare with is not guessed
    ):
        assert "G0-FRESH" not in set(night(frames)["findings"]["rule"])
    assert "G0-FRESH" in set(night(with_rows(60, [1, 60, *week]))["findings"]["rule"])  # last night had shrunk already


def test_the_breaker_trips_on_number_and_on_value() -> None:
    orders = [order(f"A{n}", good=960) for n in range(10)]
    reports = [report(f"A{n}", seq, 1000, hours_ago=2) for n in range(10) for seq in (10, 20)]
    frames = plant(orders, reports)
    assert "G1-BREAKER" not in set(night(frames, breaker_share=1.0)["findings"]["rule"])
    made = night(frames, breaker_share=0.9)
    guard = finding(made, "G1-BREAKER")
    assert (guard["erp_value"], guard["mes_value"], guard["severity"]) == ("9", "10", "critical")
    assert made["order_changes"]["approved_by"].null_count() == 10
    held = made["findings"].filter(pl.col("rule") == "QT-01")
    assert held["held_by"].unique().to_list() == ["G1-BREAKER"]
    assert held["group"].unique().to_list() == ["sign/QT-01/G1-BREAKER"]  # one signature, not ten
    made = night(frames, breaker_value=399.0)
    assert finding(made, "G1-BREAKER")["mes_value"] == "10"
    assert "G1-BREAKER" not in set(night(frames, breaker_value=400.0)["findings"]["rule"])


def test_held_corrections_do_not_count_for_the_breaker() -> None:
    orders = [order(f"A{n}", good=500) for n in range(10)]  # all beyond the share of the order
    reports = [report(f"A{n}", seq, 1000, hours_ago=2) for n in range(10) for seq in (10, 20)]
    assert "G1-BREAKER" not in set(night(plant(orders, reports), breaker_share=0.02)["findings"]["rule"])
