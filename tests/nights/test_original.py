"""Replay in the original environment: only in one whose code, rules and libraries are those of the run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from recon_platform.lake import Lake
from recon_platform.nights.night import run_night
from recon_platform.nights.original import WrongEnvironmentError, replay_in
from recon_platform.nights.records import Manifest
from recon_platform.nights.versions import all_versions
from tests.nights.small import STAGES, landing


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return run_night(Lake(tmp_path / "lake"), landing(), stages=STAGES).manifest


def test_this_environment_is_asked_and_runs_the_command(manifest: Manifest, capfd: pytest.CaptureFixture[str]) -> None:
    assert replay_in(Path(sys.executable), manifest, ["--help"]) == 0
    assert "Run a past night again" in capfd.readouterr().out
    assert replay_in(Path(sys.executable), manifest, ["--no-such-option"]) != 0


def test_an_environment_with_other_libraries_is_refused_by_name(manifest: Manifest, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(f"#!/bin/sh\necho '{json.dumps({**all_versions(), 'polars': '0.1', 'code': 'older'})}'\n")
    other.chmod(0o755)
    with pytest.raises(WrongEnvironmentError, match=r"code: .* → older; polars: .* → 0\.1"):
        replay_in(other, manifest, [])


def test_what_is_no_such_environment_is_said(manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises(WrongEnvironmentError, match="cannot be started"):
        replay_in(tmp_path / "nothing", manifest, [])
    with pytest.raises(WrongEnvironmentError, match="does not tell its versions"):
        replay_in(Path("/bin/false"), manifest, [])
