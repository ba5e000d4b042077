"""Who may read and write what is published: the job, people who decide, and everybody.

The S3 is ministack, which enforces the policies of users and of buckets, for strangers as well.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import boto3
import pytest
import requests

from flux_assets.errors import StorePermissionError
from flux_assets.publishing.decision_log import LOG_PREFIX
from flux_assets.publishing.decisions import DECISIONS_PREFIX
from flux_assets.publishing.editions import edition_key
from flux_assets.publishing.feeds.files import FORMATS, feed_key
from flux_assets.storage.object_store import (
    budget_key,
    ledger_key,
    photo_key,
    picture_key,
    rendition_key,
    run_key,
    table_key,
    undecoded_key,
    upload_key,
)
from flux_assets.storage.open_store import ensure_store_identity
from flux_assets.storage.s3 import S3Store
from flux_assets_tests.fixtures.command_line import PROJECT, Workplace, make_workplace
from flux_assets_tests.fixtures.iam import Account, Policy, read_policy
from flux_assets_tests.fixtures.masters import GOOGLE_MAIN, draw_product, store_masters

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "shops/pictures"
API = "http://127.0.0.1:9"
SECRET = "0" * 64
PICTURE = picture_key(shot="hero", product_id="00123", fingerprint="f" * 64, extension="png")
PRIVATE = (
    "store.json",
    PICTURE,
    ledger_key(SECRET),
    budget_key("2026-11-27"),
    photo_key(SECRET, "jpg"),
    upload_key(SECRET),
    undecoded_key(SECRET, SECRET),
    run_key("run", "plan.json"),
    table_key("image_manifest.csv"),
    table_key("image_manifest.parquet"),
    table_key("renditions.parquet"),
    f"{DECISIONS_PREFIX}00.json",
    f"{LOG_PREFIX}2026-11-27/a.json",
    edition_key("google", 41),
)
RENDITION = rendition_key(
    product_id="00123 / ä", shot="hero", rendition_id="0" * 32, extension="jpg"
)
FEEDS = [
    *(feed_key("google", it.extension) for it in FORMATS.values()),
    feed_key("google", "schema.json"),
]

PUBLIC = (RENDITION, *FEEDS, "publishing/gallery/index.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A shop of two products with stored pictures, in a bucket that enforces policies."""

    account: Account
    bucket: str
    store: S3Store
    folder: Path

    def policy(self, name: str) -> Policy:
        """As a company fills it in that has neither a key of its own nor tags."""
        values = {"STORE_BUCKET": self.bucket, "STORE_PREFIX": PREFIX}
        inputs = {"INPUT_BUCKET": self.bucket, "INPUT_PREFIX": "inputs"}
        rerolls = {"OVERRIDES_FILE": "overrides.csv"} if "review" in name else {}
        policy = read_policy(name, **values, **inputs, **rerolls)
        kept = [
            it
            for it in policy["Statement"]
            if it["Sid"] not in {"OnlyWithSseKms", "OnlyWithTaggingInPutArgs"}
        ]
        return {**policy, "Statement": kept}

    def environ(self, name: str) -> dict[str, str]:
        """What a person or a job of that policy works with: no API key is among it."""
        return {
            **self.account.create_user(self.policy(name)),
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.account.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "FLUX_ASSETS_MODE": "live",
            "ONEMIN_BASE_URL": API,
            "FLUX_ASSETS_STORE": f"s3://{self.bucket}/{PREFIX}",
            "FLUX_ASSETS_CATALOG": str(self.folder / "catalog.csv"),
            "FLUX_ASSETS_SHOTS": str(self.folder / "shots.yaml"),
            "FLUX_ASSETS_CHANNELS": str(self.folder / "channels.yaml"),
            "FLUX_ASSETS_PUBLIC_URL": "https://pictures.example",
        }

    def open(self, name: str, prefix: str = PREFIX) -> S3Store:
        """The store as somebody of that policy reaches it."""
        keys = self.account.create_user(self.policy(name))
        session = boto3.session.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1"
        )
        client = session.client("s3", endpoint_url=self.account.endpoint)
        return S3Store(client, bucket=self.bucket, prefix=prefix)


@pytest.fixture
def company(ministack_endpoint: str, ministack_client: "S3Client", tmp_path: Path) -> Company:
    bucket = f"store-{uuid.uuid4().hex}"
    ministack_client.create_bucket(Bucket=bucket)
    store = S3Store(ministack_client, bucket=bucket, prefix=PREFIX)
    ensure_store_identity(store, mode="live", api_origin=API, shop=None)
    colors = {"00123": "navy", "00124": "red"}
    pictures = {(it, "hero"): draw_product(color) for it, color in colors.items()}
    store_masters(store, pictures, mode="live")
    (tmp_path / "catalog.csv").write_text("id,title,image_link\n00123,Chair,\n00124,Desk,\n")
    (tmp_path / "shots.yaml").write_text("shots: {hero: {prompt: a}}")
    (tmp_path / "channels.yaml").write_text(GOOGLE_MAIN)
    return Company(account=Account(ministack_endpoint), bucket=bucket, store=store, folder=tmp_path)


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


# --- The job, and people who decide ----------------------------------------------------------


@pytest.mark.slow
def test_a_person_decides_without_api_key_and_the_job_publishes_what_is_left(
    company: Company, workplace: Workplace
) -> None:
    person, job = company.environ("iam-policy-review.json"), company.environ("iam-policy.json")
    first = workplace.run("publish", "--json", **job)
    assert first.exit_code == 0, first.stderr
    assert first.json["channels"]["google"]["shown"] == 2

    decided = workplace.run("decide", "00123", "--shots", "hero", "--reject", **person)
    assert decided.exit_code == 0, decided.stderr
    listed = workplace.run("decide", "--list", "--verdict", "rejected", "--json", **person)
    assert "00123" in listed.stdout

    second = workplace.run("publish", "--json", **job)
    assert second.json["channels"]["google"]["withdrawn"] == 1
    feed = company.store.get(feed_key("google", "tsv")).data.decode()
    assert [line.split("\t")[0] for line in feed.splitlines()[1:]] == ["00124"]


def test_what_is_not_a_persons_to_do_stops_with_a_line_that_names_it(
    company: Company, workplace: Workplace
) -> None:
    person = company.environ("iam-policy-review.json")
    told = workplace.run("publish", **person)
    assert told.exit_code == 1
    assert "Traceback" not in told.stderr
    assert "not authorized to perform: s3:PutObject" in told.stderr


@pytest.mark.parametrize("shop", ["", "acme/"])
def test_a_person_who_decides_reads_pictures_and_writes_decisions_alone(
    company: Company, shop: str
) -> None:
    everything = [*PRIVATE, *PUBLIC]
    for key in everything:
        company.store.put(f"{shop}{key}", b"{}", content_type="text/plain")
    person = company.open("iam-policy-review.json")

    read = [key for key in everything if _may(lambda it: person.get(f"{shop}{it}"), key)]
    hidden = ("ledger/", "budget/", "runs/", "uploads/", "undecoded/")
    assert read == [key for key in everything if not key.startswith(hidden)]
    written = [
        key
        for key in everything
        if _may(lambda it: person.put(f"{shop}{it}", b"", content_type="text/plain"), key)
    ]
    assert written == [key for key in everything if key.startswith(DECISIONS_PREFIX)]
    for prefix in ("ledger/", "budget/", "runs/", ""):
        assert not _may(lambda it: [*person.list(f"{shop}{it}")], prefix)
    for prefix in ("publishing/", "images/", "tables/"):
        assert _may(lambda it: [*person.list(f"{shop}{it}")], prefix)


def test_only_the_overrides_file_of_the_inputs_is_written_by_who_asks_for_others(
    company: Company,
) -> None:
    person = company.open("iam-policy-review.json", prefix="inputs")
    assert _may(lambda it: person.put(it, b"", content_type="text/csv"), "overrides.csv")
    assert not _may(lambda it: person.put(it, b"", content_type="text/csv"), "catalog.csv")
    assert _may(person.get, "overrides.csv")


def _may(attempt: Callable[[str], object], key: str) -> bool:
    try:
        attempt(key)
    except StorePermissionError as error:
        if "not authorized" not in str(error):
            raise
        return False
    return True


# --- Everybody -------------------------------------------------------------------------------


@pytest.fixture
def everything(company: Company) -> list[str]:
    """The keys of one object of every kind, of the store itself and of a shop in it."""
    keys = [f"{shop}{key}" for shop in ("", "acme/") for key in (*PRIVATE, *PUBLIC)]
    for key in keys:
        company.store.put(key, b"{}", content_type="text/plain")
    return keys


def open_to_everybody(company: Company, ministack: "S3Client", *without: str) -> None:
    policy = read_policy(
        "bucket-policy-public.json", STORE_BUCKET=company.bucket, STORE_PREFIX=PREFIX
    )
    kept = [it for it in policy["Statement"] if it["Sid"] not in without]
    ministack.delete_public_access_block(Bucket=company.bucket)
    ministack.put_bucket_policy(
        Bucket=company.bucket, Policy=json.dumps({**policy, "Statement": kept})
    )


def everybody_gets(company: Company, key: str, method: str = "GET") -> int:
    url = f"{company.account.endpoint}/{company.bucket}/{PREFIX}/{quote(key)}"
    return requests.request(method, url, timeout=30).status_code


def test_everybody_reads_renditions_and_feeds_and_nothing_else(
    company: Company, ministack_client: "S3Client", everything: list[str]
) -> None:
    assert {everybody_gets(company, key) for key in everything} == {403}
    open_to_everybody(company, ministack_client)
    read = [key for key in everything if everybody_gets(company, key) == 200]
    assert read == [key for key in everything if key.removeprefix("acme/") in PUBLIC]
    assert everybody_gets(company, RENDITION, "PUT") == 403
    assert everybody_gets(company, RENDITION, "DELETE") == 403
    listing = f"{company.account.endpoint}/{company.bucket}?list-type=2&prefix={PREFIX}/publishing/"
    assert requests.get(listing, timeout=30).status_code == 403


def test_without_feeds_and_gallery_everybody_reads_renditions_alone(
    company: Company, ministack_client: "S3Client", everything: list[str]
) -> None:
    optional = ("OnlyWithFeedsThatAreFetched", "OnlyWithAGalleryForEverybody")
    open_to_everybody(company, ministack_client, *optional)
    read = [key for key in everything if everybody_gets(company, key) == 200]
    assert read == [RENDITION, f"acme/{RENDITION}"]


# --- The files themselves --------------------------------------------------------------------


def _statements() -> Iterator[tuple[str, str]]:
    for name in ("iam-policy-review.json", "bucket-policy-public.json"):
        for statement in read_policy(name)["Statement"]:
            yield name, statement["Sid"]


@pytest.mark.parametrize("name", ["iam-policy-review.json", "bucket-policy-public.json"])
def test_the_docs_explain_every_placeholder_and_what_may_be_deleted(name: str) -> None:
    page = (PROJECT / "docs" / "going-live.md").read_text("utf-8")
    text = (PROJECT / "deploy" / name).read_text("utf-8")
    placeholders = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", text))
    optional = [sid for of, sid in _statements() if of == name and sid.startswith("OnlyWith")]
    assert placeholders
    assert [it for it in (*placeholders, *optional) if f"`{it}`" not in page] == []
