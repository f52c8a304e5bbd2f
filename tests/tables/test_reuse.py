"""Results of steps by their inputs."""

from __future__ import annotations

import polars as pl

from recon_platform.tables.reuse import KEPT_PER_STEP, Reuse, only


def test_equal_inputs_give_the_same_object_and_changed_ones_a_new_result() -> None:
    made = []

    def doubled(frames: dict[str, pl.DataFrame], by: int) -> tuple[pl.DataFrame, str]:
        made.append(by)
        return frames["a"].select(pl.col("x") * by), "text"

    reuse, frame = Reuse(), pl.DataFrame({"x": [1, 2]})
    first, _ = reuse.of(doubled, {"a": frame}, 2)
    assert reuse.of(doubled, {"a": frame.clone()}, 2)[0] is first
    assert made == [2]
    other, _ = reuse.of(doubled, {"a": pl.DataFrame({"x": [2, 2]})}, 2)
    assert other["x"].to_list() == [4, 4]
    same_by_content, _ = reuse.of(doubled, {"a": pl.DataFrame({"x": [2, 4]})}, 1)
    assert same_by_content is first, "equal results are one object, so that what follows is found again too"
    for by in range(10, 10 + 2 * KEPT_PER_STEP):
        reuse.of(doubled, {"a": frame}, by)
    before = len(made)
    assert reuse.of(doubled, {"a": frame}, 2)[0] is first, "the first result, that of the plan compared with, stays"
    assert len(made) == before
    assert made[-1] == reuse.of(doubled, {"a": frame}, by)[0]["x"][0]


def test_a_type_or_a_column_that_differs_is_another_input() -> None:
    reuse = Reuse()
    height = lambda frames: (frames["a"].dtypes, frames["a"].columns)  # noqa: E731
    seen = [
        reuse.of(height, {"a": pl.DataFrame({name: pl.Series([1], dtype=kind)})})
        for name, kind in (("x", pl.Int64), ("x", pl.Int32), ("y", pl.Int64))
    ]
    assert len({str(one) for one in seen}) == 3
    assert only({"a": pl.DataFrame(), "b": pl.DataFrame()}, "a", "c").keys() == {"a"}
