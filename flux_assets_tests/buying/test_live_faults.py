"""Live mode on a bad day: whole refreshes against an API and a bucket that err by script."""

import json
import re
import uuid
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flux_assets.image_api.simulator.faults import FAULTS
from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace, standalone_simulator
from flux_assets_tests.fixtures.leftovers import read_leftovers
from flux_assets_tests.fixtures.s3_proxy import ALWAYS, FaultyS3
from flux_assets_tests.fixtures.simulators import is_picture
from flux_assets_tests.fixtures.sites import Request, Serve, open_sites

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.slow

API_KEY = "sample-key"
REFUSED_KEY = "refused-key-5c0ffee5"
AWS_SECRET = "invented-too"
HEADER_SECRET = "shop-secret-0ddba11"
CATALOG_SIGNATURE = "export-signature-f00d"
SECRETS = (API_KEY, REFUSED_KEY, AWS_SECRET, HEADER_SECRET, CATALOG_SIGNATURE, "Signature=")
SECRET = re.compile("|".join(map(re.escape, SECRETS)).encode(), re.IGNORECASE)
IMAGES = 24
MISSING = "pictures/tables/missing_pictures.json"


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as serve:
        yield serve


@pytest.fixture
def bucket(ministack_client: "S3Client") -> str:
    name = f"live-{uuid.uuid4().hex}"
    ministack_client.create_bucket(Bucket=name)
    return name


def live(base_url: str, bucket: str, endpoint: str) -> dict[str, str]:
    """The environment of a deployment."""
    return {
        "FLUX_ASSETS_MODE": "live",
        "ONEMIN_API_KEY": API_KEY,
        "ONEMIN_BASE_URL": base_url,
        "FLUX_ASSETS_STORE": f"s3://{bucket}/pictures",
        "AWS_ACCESS_KEY_ID": "invented",
        "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": endpoint,
    }


def read_objects(client: "S3Client", bucket: str) -> dict[str, bytes]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def read_entries(objects: dict[str, bytes]) -> list[dict[str, Any]]:
    return [json.loads(data) for key, data in objects.items() if "/ledger/" in key]


def paid_uuids(workplace: Workplace) -> list[str]:
    bill = SimulatorState(workplace.folder / ".flux_assets" / "simulator").read_bill()
    return sorted(line.uuid for line in bill)


def test_a_refresh_on_a_failing_bucket_pays_once_and_the_next_one_stores_the_rest(
    workplace: Workplace, ministack_client: "S3Client", faulty_s3: FaultyS3, bucket: str
) -> None:
    faulty_s3.strike("slow_down", "PUT", "/images/", skip=1, times=2)
    faulty_s3.strike("reset_upload", "PUT", "/images/", skip=3, times=2)
    faulty_s3.strike("drop_reply", "PUT", "/images/", skip=5, times=2)
    faulty_s3.strike("access_denied", "PUT", "/images/", skip=10, times=4)
    faulty_s3.strike("drop_reply", "PUT", "/ledger/", skip=4, times=3)
    faulty_s3.strike("slow_down", "PUT", "/ledger/", skip=20, times=3)
    faulty_s3.strike("reset_upload", "PUT", "/ledger/", skip=30, times=3)
    faulty_s3.strike("slow_down", "PUT", "/budget/")
    faulty_s3.strike("drop_reply", "PUT", "/budget/", skip=1)
    faulty_s3.strike("drop_reply", "PUT", "/tables/")
    faulty_s3.strike("reset_upload", "PUT", "/runs/")
    faulty_s3.strike("reset_reply", "GET", "/pictures/", skip=10, times=2)
    with standalone_simulator(workplace) as base_url:
        environ = live(base_url, bucket, faulty_s3.endpoint)
        first = workplace.run("refresh", "--shots", "hero", "--json", **environ)
        struck = len(faulty_s3.struck)
        missing = json.loads(read_objects(ministack_client, bucket)[MISSING])
        faulty_s3.calm()
        second = workplace.run("refresh", "--shots", "hero", "--json", **environ)

    assert struck == 25
    assert first.exit_code == 2, first.stderr  # the two other shots were not asked for
    assert first.json["calls"] == IMAGES
    assert (first.json["generated"], first.json["failed"]) == (IMAGES - 4, 4), first.stderr
    reasons = [reason for *_, kind, reason in missing if kind == "failed"]
    assert len(reasons) == 4
    for reason in reasons:
        assert "paid and not stored yet; the next run fetches it without a call" in reason
        assert "Check the credentials and their policy" in reason
        assert "\n" not in reason
    assert second.exit_code == 2, second.stderr
    # Which of the four the bucket holds already, as its answer was lost, is up to the threads.
    assert second.json["calls"] == 0
    assert second.json["recovered"] + second.json["reused"] == IMAGES
    assert first.json["possibly_paid_twice"] == second.json["possibly_paid_twice"] == 0
    objects = read_objects(ministack_client, bucket)
    entries = read_entries(objects)
    assert {entry["state"] for entry in entries} == {"stored"}
    assert sorted(entry["uuid"] for entry in entries) == paid_uuids(workplace)
    assert len(entries) == IMAGES
    pictures = {key: data for key, data in objects.items() if "/images/" in key}
    assert {f"pictures/{entry['lineage']['object_key']}" for entry in entries} == set(pictures)
    assert all(map(is_picture, pictures.values()))


def write_faults(workplace: Workplace) -> Path:
    """Every fault there is once, but the one that stops the run, between calls that go well.

    Calls without an answer are spread, since ten of them within fifty would stop it as well.
    """
    names = sorted(set(FAULTS) - {"gateway_403"})
    unanswered = [name for name in names if name.startswith(("gateway", "lost", "editor"))]
    answered = [name for name in names if name not in unanswered]
    spread = (name for pair in zip_longest(unanswered, answered) for name in pair if name)
    script = [one for name in spread for one in (name, None, None)]
    path = workplace.folder / "faults.json"
    path.write_text(json.dumps({"script": script, "slow_seconds": 0}), "utf-8")
    return path


def find_secrets(
    workplace: Workplace, objects: dict[str, bytes], told: str, *, accepted_may: bool
) -> list[tuple[str, bytes]]:
    """Where a secret is; the URL of a picture that is paid and not stored may be in its entry."""
    texts = [("told", told.encode())]
    ours = workplace.folder / ".flux_assets"
    texts += read_leftovers(ours, without=(ours / "simulator",))
    for key, data in objects.items():
        text = data
        if accepted_may and "/ledger/" in key:
            entry = json.loads(data)
            if entry["state"] == "accepted":
                text = json.dumps({**entry, "temporary_url": ""}).encode()
        texts.append((key, text))
    found = ((where, SECRET.search(text)) for where, text in texts)
    return [(where, match[0]) for where, match in found if match]


def test_no_secret_is_told_or_kept_whatever_goes_wrong(
    workplace: Workplace,
    ministack_client: "S3Client",
    faulty_s3: FaultyS3,
    bucket: str,
    serve: Serve,
) -> None:
    catalog = (workplace.folder / "data" / "catalog.csv").read_bytes()

    def give_to_who_has_the_header(request: Request) -> None:
        if request.headers["X-Shop-Key"] == HEADER_SECRET:
            request.give(200, catalog, ETag='"v1"')
        else:
            request.give(401)

    site = serve(give_to_who_has_the_header)
    faults = write_faults(workplace)
    with standalone_simulator(workplace, "--faults", str(faults)) as base_url:
        environ = live(base_url, bucket, faulty_s3.endpoint) | {
            "FLUX_ASSETS_CATALOG": f"{site.url}/export.csv?signature={CATALOG_SIGNATURE}",
            "FLUX_ASSETS_CATALOG_HEADER": f"X-Shop-Key: {HEADER_SECRET}",
            "FLUX_ASSETS_FAIL_ABOVE_PERCENT": "100",
            "FLUX_ASSETS_MAX_ATTEMPTS": "4",  # what is sent again may meet the next fault
        }
        turned_away = environ | {"FLUX_ASSETS_CATALOG_HEADER": f"X-Other: {HEADER_SECRET}"}
        refused = environ | {"ONEMIN_API_KEY": REFUSED_KEY}
        other_store = environ | {"AWS_ACCESS_KEY_ID": "nobody"}
        done = [
            workplace.run("refresh", **turned_away),
            workplace.run("refresh", **refused),
            workplace.run("refresh", **other_store),
            workplace.run("check", **environ),
        ]
        faulty_s3.strike("access_denied", "PUT", "/images/", skip=10, times=6)
        faulty_s3.strike("slow_down", "PUT", "/ledger/", skip=10, times=2)
        done.append(workplace.run("refresh", **environ))
        objects = read_objects(ministack_client, bucket)
        faulty_s3.calm()
        faulty_s3.strike("access_denied", "GET", "/tables/", times=ALWAYS)
        done.append(workplace.run("refresh", **environ))
        faulty_s3.calm()
        done.append(workplace.run("refresh", **environ))

    assert [one.exit_code for one in done] == [1, 1, 1, 0, 2, 1, 2], [one.stderr for one in done]
    told = "".join(one.stdout + one.stderr for one in done)
    assert "HTTP 401" in told
    assert "set a valid ONEMIN_API_KEY" in told
    assert "InvalidAccessKeyId" in told
    assert {entry["state"] for entry in read_entries(objects)} == {"accepted", "stored"}
    snapshots = [
        data
        for where, data in read_leftovers(workplace.folder / ".flux_assets" / "dagster")
        if where.endswith("table snapshots")
    ]
    assert any(b"flux_assets__image_api" in data for data in snapshots), "they are read unpacked"
    kept = find_secrets(workplace, objects, "", accepted_may=False)
    assert kept, "what looks for secrets must find the URL of a picture that is not stored yet"
    assert find_secrets(workplace, objects, told, accepted_may=True) == []
    afterwards = read_objects(ministack_client, bucket)
    assert find_secrets(workplace, afterwards, "", accepted_may=True) == []
