"""Compiled code reads arrays by address: what does not have the declared form never gets there."""

from __future__ import annotations

import numpy as np
import pytest

from recon_platform.bench.schedule import build
from recon_platform.capacity.portfolio import Setting, run_pass


def test_an_array_of_another_type_is_refused_by_name() -> None:
    problem = build(64)
    with pytest.raises(TypeError, match=r"Problem.open_end: expected a contiguous array of int32.*found int64"):
        run_pass(problem._replace(open_end=problem.open_end.astype(np.int64)), Setting(16.0, 0.2))


def test_a_bias_is_one_number_an_operation() -> None:
    problem = build(64)
    with pytest.raises(ValueError, match=r"expected none or one number for each of 64 operations, found 3"):
        run_pass(problem, Setting(16.0, 0.2), bias=np.zeros(3, np.float32))
