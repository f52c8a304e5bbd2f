"""Nights on an object store: the same manifests, digests and refusals as on a local lake, over the S3 protocol.

One of them with everything else of production too: instance and governance store on a PostgreSQL, from `deploy/`.
"""

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
import dagster as dg
import pgserver
import pytest

from recon_platform.lake import Lake, LakeError
from recon_platform.nights import records
from recon_platform.nights.night import close, open_night, run_night, run_stage
from recon_platform.nights.replay import replay
from resources.partitions import PLANTS
from tests.dagster.plant import CODE, FIRST, LONG_STOP, Installation
from tests.e2e.platform import PROJECT
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
        server.kill()  # a SIGTERM that some library blocks in this process is blocked in its children too
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


@pytest.mark.timeout(900)
def test_a_night_is_planned_again_approved_and_published_on_postgresql_and_s3(
    options: dict[str, str],
    night: Installation,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in KEYS:  # as in production: secrets come from the environment
        monkeypatch.setenv(name, options[name])
    _moved(night.home / "lake", "production", options)
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="stop")
    try:
        server.psql("CREATE DATABASE recon")
        addresses = [server.get_uri(name).replace("postgresql:", "postgresql+psycopg2:", 1) for name in (None, "recon")]
        monkeypatch.setenv("RECON_DAGSTER_POSTGRES", addresses[0])
        home = tmp_path_factory.mktemp("instance")
        (home / "dagster.yaml").write_bytes((PROJECT / "deploy" / "dagster.yaml").read_bytes())
        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.add_dynamic_partitions(str(PLANTS.name), [CODE])
            site = Installation(
                night.home, instance, lake_root=f"s3://{BUCKET}/production", governance=addresses[1],
                lake_options={name: value for name, value in options.items() if name not in KEYS},
            )  # fmt: skip
            site.people().close()
            site.drop("downtime_events.csv", LONG_STOP)
            assert site.run("rerun").success
            newest = records.latest(site.lake, CODE, FIRST)
            assert newest is not None and newest.pins.sequence == 1
            site.approve_base()
            assert site.run("publish").success
            in_force = site.nights.in_force(CODE)
            assert in_force is not None and in_force.run_id == newest.run_id
            event = instance.get_latest_materialization_event(dg.AssetKey(["capacity", "schedule"]))
            assert event is not None and event.asset_materialization is not None
            version = event.asset_materialization.metadata["delta_version"].value
            assert version == newest.outputs["schedule"].version
    finally:
        server.cleanup()


def _moved(lake: Path, prefix: str, options: dict[str, str]) -> None:
    """Take a lake's tables to the bucket and from this host: a lake is its files."""
    client = boto3.client("s3", endpoint_url=options["AWS_ENDPOINT_URL"], region_name=KEYS["AWS_REGION"])
    for path in sorted(lake.rglob("*/*")):
        if path.is_file():
            client.upload_file(str(path), BUCKET, f"{prefix}/{path.relative_to(lake)}")
            path.unlink()
