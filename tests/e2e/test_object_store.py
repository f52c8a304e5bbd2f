"""Nights on an object store: the same manifests, digests and refusals as on a local lake, over the S3 protocol."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from recon_platform.lake import Lake, LakeError
from recon_platform.nights import records
from recon_platform.nights.night import close, open_night, run_night, run_stage
from recon_platform.nights.replay import replay
from tests.nights.small import STAGES, landing

BUCKET = "recon-lake"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}


@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, str]]:
    """Options of a lake on an S3 server of this machine, which forgets everything when it ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, **KEYS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(address, timeout=1)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        boto3.client(
            "s3", endpoint_url=address, region_name=KEYS["AWS_REGION"], aws_access_key_id="test",
            aws_secret_access_key="test",
        ).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": KEYS["AWS_REGION"]})  # fmt: skip
        yield {**KEYS, "AWS_ENDPOINT_URL": address, "AWS_ALLOW_HTTP": "true", "conditional_put": "etag"}
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_a_night_on_s3_is_the_night_on_a_folder(options: dict[str, str], tmp_path: Path) -> None:
    lake = Lake(f"s3://{BUCKET}/same", options)
    there = run_night(lake, landing(), stages=STAGES)
    here = run_night(Lake(tmp_path), landing(), stages=STAGES)
    assert there.manifest.digest == here.manifest.digest
    assert replay(lake, there.run_id, stages=STAGES).identical


def test_a_second_run_reads_the_first_and_the_first_stays_readable(options: dict[str, str]) -> None:
    lake = Lake(f"s3://{BUCKET}/twice", options)
    first = run_night(lake, landing(), stages=STAGES)
    second = run_night(lake, landing(5), stages=STAGES)
    assert second.manifest.pins.previous_run == first.run_id
    assert records.manifest(lake, first.run_id).read(lake, "unscheduled").height == 3
    assert replay(lake, first.run_id, stages=STAGES).identical


def test_of_two_runs_of_one_night_one_wins_and_the_other_is_told(options: dict[str, str]) -> None:
    lake = Lake(f"s3://{BUCKET}/race", options)
    one, two = open_night(lake, landing(3)), open_night(lake, landing(4))
    for run in (one, two):
        for stage in STAGES:
            run_stage(run, stage)
    close(two, STAGES)
    with pytest.raises(LakeError, match="another run"):
        close(one, STAGES)
    newest = records.latest(lake, "P1")
    assert newest is not None
    assert newest.run_id == two.run_id
    assert newest.read(lake, "unscheduled").height == 4
