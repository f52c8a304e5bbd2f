"""The noise report as text: the page `docs/noise.md` with the results of `noise` between its marks."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from recon_platform.material.cause_shares import SELF_INFLICTED
from recon_platform.nights.noise import AS_IT_IS, Noise, savings

BEGIN, END = "<!-- results: written by `recon noise --report` -->", "<!-- end of results -->"


def self_inflicted(noise: Noise) -> float | None:
    """Share of the messages' days that the plant made itself (`SELF_INFLICTED` categories)."""
    total = noise.shares.get_column("weighted_days").sum()
    own = noise.shares.filter(pl.col("category").is_in(SELF_INFLICTED)).get_column("weighted_days").sum()
    return float(own) / float(total) if total else None


def report_text(noise: Noise) -> str:
    """Both tables as Markdown, with the denominators beside them."""
    base = noise.counts.filter(pl.col("variant") == AS_IT_IS)
    own = self_inflicted(noise)
    lines = [
        f"{noise.nights} nights, {noise.orders:,} open orders, seed {noise.seed}, {noise.drift:.0%} of open orders reported"
        f" wrong; every night {noise.habits.share_per_night:.0%} of the items have their lead time, lot size or safety stock"
        f" edited by up to {noise.habits.factor:.0%}.",
        "",
        f"Reschedule messages of {noise.nights - 1} nights: {base['messages'].sum():,} in all, {base['caused'].sum():,} with"
        f" a cause of their night, {base['on_plan'].sum():,} on plan, {base['carried_over'].sum():,} carried over."
        f" Self-inflicted: {'–' if own is None else f'{own:.1%}'} of the days.",
        "",
        "| cause | messages it had a part in | days in their direction | share | days against |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in noise.shares.iter_rows(named=True):
        mark = " (own)" if row["category"] in SELF_INFLICTED else ""
        share = "–" if row["share"] is None else f"{row['share']:.1%}"
        lines.append(
            f"| `{row['category']}`{mark} | {row['messages']:,} | {row['weighted_days']:,.0f} | {share} |"
            f" {row['offset_days']:,.0f} |"
        )
    lines += [
        "",
        "| the same nights without | caused messages | expedites | days moved | saved |",
        "| --- |" + " --- |" * 4,
    ]
    for row in savings(noise).iter_rows(named=True):
        name = "(as it is)" if row["variant"] == AS_IT_IS else f"`{row['variant']}`"
        saved = "–" if row["saved"] is None or row["variant"] == AS_IT_IS else f"{row['saved']:.1%}"
        lines.append(f"| {name} | {row['caused']:,} | {row['expedites']:,} | {row['moved_days']:,.0f} | {saved} |")
    return "\n".join(lines) + "\n"


def write_noise(docs: Path, noise: Noise) -> None:
    """Write the results between their marks in `docs/noise.md`. Raises ValueError where the page has no marks."""
    page = docs / "noise.md"
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page}: the marks {BEGIN} and {END} are missing; the results go between them")
    head, rest = text.split(BEGIN, 1)
    page.write_text(head + BEGIN + "\n\n" + report_text(noise) + "\n" + END + rest.split(END, 1)[1], encoding="utf-8")
