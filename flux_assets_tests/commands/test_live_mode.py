"""Live mode as it is deployed: the stand-alone simulator over HTTP, pictures in an S3 store."""

import json
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace, standalone_simulator

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

API_KEY = "sample-key"
SECRET = re.compile(rb"sample-key|[?&](?:X-Amz-)?Signature=", re.IGNORECASE)
IMAGES = 24


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


@pytest.fixture
def bucket(ministack_client: "S3Client") -> str:
    name = f"live-{uuid.uuid4().hex}"
    ministack_client.create_bucket(Bucket=name)
    return name


def read_objects(client: "S3Client", bucket: str) -> dict[str, bytes]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def download_again(base_url: str, call: str) -> bytes:
    headers = {"API-KEY": API_KEY}
    reply = requests.get(f"{base_url}/api/results/{call}", headers=headers, timeout=30)
    return requests.get(reply.json()["aiRecord"]["temporaryUrl"], timeout=30).content


@pytest.mark.slow
def test_a_live_refresh_stores_what_the_api_served_and_tells_no_secret(
    workplace: Workplace, ministack_client: "S3Client", ministack_endpoint: str, bucket: str
) -> None:
    faults = workplace.folder / "faults.json"
    faults.write_text(json.dumps({"script": [None, "truncated_download", "failed"]}))
    with standalone_simulator(workplace, "--faults", str(faults)) as base_url:
        live = {
            "FLUX_ASSETS_MODE": "live",
            "ONEMIN_API_KEY": API_KEY,
            "ONEMIN_BASE_URL": base_url,
            "FLUX_ASSETS_STORE": f"s3://{bucket}/pictures",
            "FLUX_ASSETS_PUBLIC_URL": "https://cdn.example.com",
            "AWS_ACCESS_KEY_ID": "invented",
            "AWS_SECRET_ACCESS_KEY": "invented-too",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": ministack_endpoint,
        }
        done = workplace.run("refresh", "--shots", "hero", "--json", **live)

        assert done.exit_code == 2, done.stderr  # the two other shots were not asked for
        assert done.json["generated"] == IMAGES
        objects = read_objects(ministack_client, bucket)
        entries = [json.loads(data) for key, data in objects.items() if "/ledger/" in key]
        assert len(entries) == IMAGES
        for entry in entries:
            lineage = entry["lineage"]
            stored = objects[f"pictures/{lineage['object_key']}"]
            assert stored == download_again(base_url, lineage["uuid"])
        again = workplace.run("refresh", "--shots", "hero", "--json", **live)

    assert (again.json["calls"], again.json["reused"]) == (0, IMAGES)
    bill = SimulatorState(workplace.folder / ".flux_assets" / "simulator").read_bill()
    assert len({line.uuid for line in bill}) == IMAGES
    metadata = ministack_client.head_object(
        Bucket=bucket, Key=f"pictures/{entries[0]['lineage']['object_key']}"
    )["Metadata"]
    assert metadata["fingerprint"] == entries[0]["fingerprint"]
    assert metadata["uuid"] == entries[0]["lineage"]["uuid"]
    told = [done.stdout.encode(), done.stderr.encode(), *objects.values()]
    told += [
        path.read_bytes()
        for path in (workplace.folder / ".flux_assets/dagster").rglob("*")
        if path.is_file()
    ]
    assert not [text[:200] for text in told if SECRET.search(text)]
