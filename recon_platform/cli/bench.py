"""Benchmarks: how long, how well, how robust. Each prints a table; `--json` gives the figures to programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recon_platform.cli import bench_scheduler, output
from recon_platform.cli.doors import needs
from recon_platform.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    benches = typer.Typer(help="Benchmarks: how long, how well, how robust.", no_args_is_help=True)
    benches.command("night")(night)
    benches.command("drift")(drift)
    benches.command("conform")(conform)
    benches.command("rules")(rules)
    benches.command("material")(material)
    benches.command("instances")(instances)
    benches.command("schedule")(bench_scheduler.schedule)
    benches.command("peer")(bench_scheduler.peer)
    benches.command("faults")(faults)
    benches.command("sabotage")(sabotage)
    benches.command("reruns")(reruns)
    benches.command("rerun")(rerun)
    benches.command("moves")(moves)
    benches.command("replay")(replay)
    benches.command("extract")(extract)
    benches.command("console")(console)
    app.add_typer(benches, name="bench")


@needs(None)
def night(
    orders: Annotated[list[int], typer.Option("--orders", min=1, help="Open orders; may be given more than once.")] = [  # noqa: B006
        1_000,
        10_000,
    ],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plants.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time a night stage by stage at several sizes: seconds, rows per second, peak memory, growth."""
    from recon_platform.bench.night import run, table

    with output.progress(len(orders), quiet=as_json) as step:
        figures = run(orders, seed=seed, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.say(table(figures))


@needs(None)
def drift(
    landing: Annotated[Path | None, typer.Option("--landing", help="A landing folder, or a folder of such.")] = None,
    truth: Annotated[Path | None, typer.Option("--truth", help="Its truth: a file, or a folder of such.")] = None,
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders of a generated plant.")] = 5_000,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many generated plants.")] = 3,
    by: Annotated[
        str, typer.Option("--by", help="kind: of error; rule: of reconciliation, and what people see.")
    ] = "kind",
    as_json: JsonOption = False,
) -> None:
    """Score what the data gates and rules find of planted errors, kind by kind: recall and precision."""
    from recon_platform.bench.drift import as_frame, run, score_folders, table

    if (landing is None) != (truth is None):
        raise typer.BadParameter("give --landing and --truth together, or neither for generated plants")
    if by not in ("kind", "rule") or (by == "rule" and landing is not None):
        raise typer.BadParameter("--by is kind or rule; rule scores generated plants only")
    if by == "rule":
        _drift_by_rule(orders, seeds, as_json=as_json)
        return
    with output.progress(None if landing else seeds, quiet=as_json) as step:
        if landing is not None and truth is not None:
            step("scoring")
            scores = score_folders(landing, truth)
        else:
            scores = run(orders, seeds=range(1, seeds + 1), say=step)
    if as_json:
        output.print_json(as_frame(scores).to_dicts())
    else:
        output.say(table(scores))


def _drift_by_rule(orders: int, seeds: int, *, as_json: bool) -> None:
    from recon_platform.bench import reconciliation

    rates = reconciliation.RATES
    with output.progress(seeds * len(rates), quiet=as_json) as step:
        figures = reconciliation.run(orders, seeds=range(1, seeds + 1), rates=rates, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.say(reconciliation.table(figures))


@needs(None)
def conform(
    rows: Annotated[list[int], typer.Option("--rows", min=1, help="Operation rows; may be given more than once.")] = [  # noqa: B006
        100_000,
        1_000_000,
    ],
    as_json: JsonOption = False,
) -> None:
    """Time conforming: operation rows per second and peak memory."""
    from recon_platform.bench.conform import run, table

    with output.progress(len(rows), quiet=as_json) as step:
        figures = run(rows, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.say(table(figures))


@needs(None)
def rules(
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders of each generated plant.")] = 5_000,
    as_json: JsonOption = False,
) -> None:
    """Score the reconciliation rules on planted errors: precision and recall per rule, what is left for people."""
    from recon_platform.bench.reconciliation import run, table

    with output.progress(None, quiet=as_json) as step:
        figures = run(orders, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.say(table(figures))


@needs(None)
def material(
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders.")] = 1_000_000,
    items: Annotated[int, typer.Option("--items", min=1, help="Items over all levels.")] = 400_000,
    levels: Annotated[int, typer.Option("--levels", min=2, help="Levels of the product structure.")] = 6,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plant.")] = 1,
    peer: Annotated[Path | None, typer.Option("--peer", help="A peer workload folder, read and netted beside.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Time material planning part by part: netting, pegging, messages, causes."""
    from recon_platform.bench.material import bench_material, peer_timings

    with output.progress(None, quiet=as_json) as step:
        step("planning material")
        figures = [*bench_material(orders, items, levels, seed), *([] if peer is None else peer_timings(peer))]
    if as_json:
        output.print_json(figures)
        return
    rows = [tuple(output.plain(figure).values()) for figure in figures]
    output.print_rows("", tuple(output.plain(figures[0])) if figures else (), rows)


@needs(None)
def instances(
    folder: Annotated[Path, typer.Argument(help="Folder of public instances in the neutral JSON form.")],
    cpu_seconds: Annotated[float, typer.Option("--cpu-seconds", min=0.1, help="For each instance and method.")] = 2.0,
    out: Annotated[Path | None, typer.Option("--out", help="Write every schedule there as CSV.")] = None,
    cpsat: Annotated[
        bool | None, typer.Option("--cpsat/--no-cpsat", help="Also let CP-SAT try. Default: only without --json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, as each instance is done.")] = False,
) -> None:
    """Solve public scheduling instances; compare with best known values, simple rules and CP-SAT at equal time."""
    from recon_platform.bench.instances import TARGETS, as_line, run, summary

    with_cpsat = not as_json if cpsat is None else cpsat
    if as_json:
        run(
            folder, cpu_seconds=cpu_seconds, out=out, with_cpsat=with_cpsat,
            say=lambda result: typer.echo(as_line(result)),
        )  # fmt: skip
        return
    with output.progress(None, quiet=False) as step:
        results = run(folder, cpu_seconds=cpu_seconds, out=out, with_cpsat=with_cpsat, say=lambda one: step(one.name))
    output.print_rows(
        "",
        ("instance", "objective", "ours", "best known", "gap %", "CPU s", "cp-sat", "best rule"),
        [
            (
                r.name, r.objective, r.value, r.best_known, _percent(r.gap), r.cpu_s, r.cpsat, min(r.edd, r.spt, r.cr, r.atc),
            )
            for r in results
        ],
    )  # fmt: skip
    output.print_rows(
        "Gap to the sum of best known values, %",
        ("family", "instances", "matched", "ours", "mean gap", "CPU s", "cp-sat", "atc", "edd", "spt", "cr", "target"),
        [
            (
                row["family"], row["instances"], row["matched"], _percent(row["sum_gap"]), _percent(row["mean_gap"]),
                row["cpu_s"], *(_percent(row[name]) for name in ("cpsat", "atc", "edd", "spt", "cr")),
                TARGETS.get(row["family"]),
            )
            for row in summary(results)
        ],
    )  # fmt: skip


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share


@needs(None)
def faults(
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Processes killed.")] = 1_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed kills after the same times.")] = 1,
    url: Annotated[str | None, typer.Option("--url", help="An empty PostgreSQL database; default: SQLite.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Kill processes that decide and publish at random points; count losses, duplicates and half publishes."""
    from recon_platform.bench.faults import run

    with output.progress(rounds // 10 + 1, quiet=as_json) as step:
        figures = run(rounds, seed=seed, url=url, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.print_rows("", ("figure", "value"), list(output.plain(figures).items()))
    if figures.lost or figures.duplicates or figures.half_publishes:
        raise typer.Exit(1)


@needs(None)
def sabotage(
    nights: Annotated[int, typer.Option("--nights", min=1, help="Simulated nights.")] = 30,
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders of the generated plant.")] = 800,
    start: Annotated[int, typer.Option("--start", min=1, help="First night in which the rule is wrong.")] = 11,
    share: Annotated[float, typer.Option("--share", min=0, max=1, help="Share of its corrections made wrong.")] = 0.2,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plant.")] = 1,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write the run chart to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make one rule wrong over simulated nights; show how soon it loses its autonomy, and what wrong left after."""
    from recon_platform.bench.sabotage import Sabotage, chart, run, withdrawn_after

    planted = Sabotage(share=share, start=start)
    with output.progress(nights, quiet=as_json) as step:
        measured = run(nights, orders, seed=seed, sabotage=planted, say=step)
    if svg is not None:
        chart(measured, planted, svg)
    if as_json:
        output.print_json(measured)
        return
    output.print_rows("", tuple(measured.columns), [tuple(row) for row in measured.iter_rows()])
    after = withdrawn_after(measured, planted)
    output.say(
        "its autonomy was not withdrawn" if after is None else f"withdrawn {after} night(s) after the first wrong one"
    )


@needs(None)
def reruns(
    nights: Annotated[int, typer.Option("--nights", min=1, help="Simulated nights.")] = 60,
    events: Annotated[int, typer.Option("--events", min=1, help="Downtime reports over all nights.")] = 300,
    seed: Annotated[int, typer.Option("--seed", help="The same seed drops the same reports.")] = 1,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where lake and figures are kept; one that was stopped goes on.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Drop downtime between simulated nights (bursts, duplicates, late ends); count reruns, replay every run."""
    from recon_platform.bench.reruns import run

    figures = run(nights, events, seed=seed, folder=folder, say=output.note)
    if as_json:
        output.print_json(figures)
    else:
        output.print_rows(
            "", ("figure", "value"), [(name, str(value)) for name, value in output.plain(figures).items()]
        )
    if figures.deliveries_answered_wrongly or figures.runs_that_differ:
        raise typer.Exit(1)


@needs(None)
def rerun(
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders of the plant.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plant.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time a rerun after one long stop, part by part, reading and writing the lake included."""
    from recon_platform.bench.rerun import run

    with output.progress(2, quiet=as_json) as step:
        figures = run(orders, seed=seed, say=step)
    if as_json:
        output.print_json(figures)
    else:
        rows = [(found.stage, str(found.wall_s), str(found.cpu_s)) for found in figures]
        total = tuple(f"{sum(seconds):.2f}" for seconds in zip(*((f.wall_s, f.cpu_s) for f in figures), strict=True))
        title = f"{orders:,} orders, {figures[0].operations:,} operations"
        output.print_rows(title, ("part", "wall s", "CPU s"), [*rows, ("all", *total)])


@needs(None)
def moves(
    operations: Annotated[
        int, typer.Option("--operations", min=1, help="About so many operations in the plan.")
    ] = 100_000,
    moves: Annotated[int, typer.Option("--moves", min=1, help="Moves tried out, kinds in turn.")] = 200,
    processes: Annotated[int, typer.Option("--processes", min=1, help="That measure moves.")] = 2,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plant.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time one what-if and many moves against a large plan, each the whole plan again with it."""
    from recon_platform.bench.moves import run

    with output.progress(3, quiet=as_json) as step:
        found = run(operations, moves, processes=processes, seed=seed, say=step)
    if as_json:
        output.print_json(found)
        return
    rows = [(row.part, str(row.moves), str(row.wall_s), str(row.cpu_s)) for row in found.rows]
    title = f"{found.operations:,} operations of {found.orders:,} orders, {found.processes} processes"
    output.print_rows(title, ("part", "moves", "wall s", "CPU s"), rows)


@needs(None)
def replay(
    nights: Annotated[int, typer.Option("--nights", min=1, help="Nights planned once, then replayed.")] = 12,
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders of the plant.")] = 300,
    workers: Annotated[list[int], typer.Option("--workers", min=1, help="Processes; may be given more than once.")] = [  # noqa: B006
        1,
        2,
    ],
    as_json: JsonOption = False,
) -> None:
    """Replay past nights with one worker process, two, and so on: nights per minute and how that grows."""
    from recon_platform.bench.replay import run

    with output.progress(nights + len(workers), quiet=as_json) as step:
        figures = run(nights, orders, workers, say=step)
    if as_json:
        output.print_json(figures)
    else:
        columns = ("workers", "seconds", "nights_per_minute", "cpu_seconds_per_night", "speedup", "differ")
        output.print_rows(
            f"{nights} nights of {orders} orders", columns,
            [tuple(output.plain(found)[name] for name in columns) for found in figures],
        )  # fmt: skip
    if any(found.differ for found in figures):
        raise typer.Exit(1)


@needs(None)
def extract(
    url: Annotated[str, typer.Option("--url", help="A PostgreSQL; a schema recon_bench is made in it, and dropped.")],
    password: Annotated[str | None, typer.Option("--password", help="Name of the secret that is its password.")] = None,
    rows: Annotated[list[int], typer.Option("--rows", min=1, help="Rows; may be given more than once.")] = [  # noqa: B006
        100_000,
        1_000_000,
    ],
    as_json: JsonOption = False,
) -> None:
    """Time a table from PostgreSQL to the lake: seconds, rows per second, peak memory."""
    from recon_platform.bench.extract import run, table

    with output.progress(len(rows), quiet=as_json) as step:
        figures = run(rows, url, password=password, say=step)
    if as_json:
        output.print_json(figures)
    else:
        output.say(table(figures))


@needs(None)
def console(
    orders: Annotated[int, typer.Option("--orders", min=1, help="Open orders; about seven operations each.")] = 14_000,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Requests of each page.")] = 9,
    home: Annotated[
        Path | None, typer.Option("--home", help="Folder to keep the lake in, and to use again what is there.")
    ] = None,
    gantt: Annotated[bool, typer.Option("--gantt/--no-gantt", help="Also the Gantt, in a real Chromium.")] = True,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same plant.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Time the console on a large lake: server time of every page; the Gantt ready and redrawn in Chromium."""
    import tempfile
    from contextlib import ExitStack

    from recon_platform.bench import console as console_pages
    from recon_platform.bench import console_browser, console_lake

    with output.progress(None, quiet=as_json) as step, ExitStack() as kept:
        folder = home or Path(kept.enter_context(tempfile.TemporaryDirectory()))
        prepared = console_lake.prepare(folder, orders, seed, step)
        pages = console_pages.run(prepared, repeats, step)
        step("the Gantt")
        drawn = console_browser.run(prepared) if gantt else []
    if as_json:
        output.print_json({"operations": prepared.operations, "pages": pages, "gantt": drawn})
        return
    output.say(console_pages.table(pages, prepared.operations))
    for figure in drawn:
        output.say(
            f"Gantt {figure.rows}: ready {figure.ready_wall_ms:,.0f} ms ({figure.ready_thread_ms:,.0f} on the thread); redrawn in "
            f"{figure.redraw_wall_ms} ms median, {figure.redraw_worst_ms} ms at worst ({figure.redraw_thread_ms} on the thread)"
        )
