"""`deploy/iam-policy.json` is enough for the whole job, and every action in it is needed.

The S3 is ministack, which really enforces what is tested here: the signature of every request, and
for each of them the action, the resource and the condition `s3:prefix` of the caller's policy.

It does not enforce, so that no test proves: the key's permissions under SSE-KMS,
`s3:PutObjectTagging` for tags that come with a put, and the 403 instead of 404 that AWS answers
for an absent object without `s3:ListBucket`. That last one comes from a canned reply.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from flux_assets.errors import ConditionFailedError, StorePermissionError
from flux_assets.storage.s3 import S3Store
from flux_assets_tests.fixtures.command_line import (
    PROJECT,
    Finished,
    Workplace,
    make_workplace,
    standalone_simulator,
)
from flux_assets_tests.fixtures.iam import Account, Policy, read_policy, without_action
from flux_assets_tests.fixtures.stores import CannedS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "shops/pictures"
LARGE = 9 * 1024 * 1024
OVERRIDES = b"product_id,shot,take,seed,prompt,pin,skip\n00123,hero,2,,,,\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A store's bucket and another with the inputs, at an S3 that enforces policies."""

    account: Account
    administrator: "S3Client"
    store_bucket: str
    input_bucket: str

    @property
    def policy(self) -> Policy:
        """The policy as a company that neither tags nor has a key of its own fills it in."""
        policy = read_policy("iam-policy.json", **self.placeholders)
        kept = [it for it in policy["Statement"] if not it["Sid"].startswith("OnlyWith")]
        return {**policy, "Statement": kept}

    @property
    def placeholders(self) -> dict[str, str]:
        return {
            "STORE_BUCKET": self.store_bucket,
            "STORE_PREFIX": PREFIX,
            "INPUT_BUCKET": self.input_bucket,
            "INPUT_PREFIX": "exports",
        }

    def client(self, keys: Mapping[str, str]) -> "S3Client":
        session = boto3.session.Session(
            keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1"
        )
        return session.client("s3", endpoint_url=self.account.endpoint)

    def environ(
        self, keys: Mapping[str, str], base_url: str = "http://127.0.0.1:9"
    ) -> dict[str, str]:
        return {
            **keys,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.account.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "FLUX_ASSETS_MODE": "live",
            "ONEMIN_API_KEY": "sample-key",
            "ONEMIN_BASE_URL": base_url,
            "FLUX_ASSETS_STORE": f"s3://{self.store_bucket}/{PREFIX}",
            "FLUX_ASSETS_CATALOG": f"s3://{self.input_bucket}/exports/catalog.csv",
            "FLUX_ASSETS_OVERRIDES": f"s3://{self.input_bucket}/exports/overrides.csv",
        }


@pytest.fixture
def company(ministack_endpoint: str, ministack_client: "S3Client") -> Company:
    name = uuid.uuid4().hex
    company = Company(
        account=Account(ministack_endpoint),
        administrator=ministack_client,
        store_bucket=f"store-{name}",
        input_bucket=f"input-{name}",
    )
    for bucket in (company.store_bucket, company.input_bucket):
        ministack_client.create_bucket(Bucket=bucket)
    inputs = {
        "catalog.csv": (PROJECT / "data/catalog.csv").read_bytes(),
        "overrides.csv": OVERRIDES,
    }
    for key, body in inputs.items():
        ministack_client.put_object(Bucket=company.input_bucket, Key=f"exports/{key}", Body=body)
    return company


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


def refusal(attempt: Finished) -> str:
    """The one line that a refused command says."""
    assert attempt.exit_code == 1, attempt.stderr
    assert "Traceback" not in attempt.stderr
    [line] = [line for line in attempt.stderr.splitlines() if line.startswith("Error:")]
    return line


# --- The whole job ---------------------------------------------------------------------------


@pytest.mark.slow
def test_the_whole_job_runs_under_a_role_that_has_the_policy_and_nothing_else(
    company: Company, workplace: Workplace
) -> None:
    role = company.account.create_role(
        company.policy, action="sts:AssumeRole", principal={"AWS": "*"}
    )
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    keys = company.account.create_user({"Version": "2012-10-17", "Statement": [assume]})
    (workplace.folder / "aws").write_text(
        f"[profile job]\nrole_arn = {role}\nsource_profile = person\n[profile person]\n"
        + "".join(f"{name.lower()} = {value}\n" for name, value in keys.items())
    )
    profile = {"AWS_PROFILE": "job", "AWS_CONFIG_FILE": str(workplace.folder / "aws")}
    with standalone_simulator(workplace) as base_url:
        live = company.environ(profile, base_url)
        first = workplace.run("refresh", "--shots", "hero", "--json", **live)
        second = workplace.run("refresh", "--shots", "hero", "--json", **live)

    assert first.exit_code == 2, first.stderr  # the two other shots were not asked for
    assert first.json["generated"] == 24
    assert (second.json["reused"], second.json["calls"]) == (24, 0)
    found = company.administrator.list_objects_v2(Bucket=company.store_bucket)["Contents"]
    assert {item["Key"].rpartition(f"{PREFIX}/")[0] for item in found} == {""}


@pytest.mark.slow
@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject", "s3:PutObject"])
def test_without_one_of_its_actions_the_job_stops_with_a_line_that_names_it(
    company: Company, workplace: Workplace, action: str
) -> None:
    policy = company.policy
    inputs = policy["Statement"].pop()
    policy = without_action(policy, action)
    policy["Statement"].append(inputs)
    keys = company.account.create_user(policy)

    told = refusal(workplace.run("refresh", **company.environ(keys)))

    assert f"s3://{company.store_bucket}/{PREFIX}" in told
    assert f"not authorized to perform: {action}" in told
    assert "deploy/iam-policy.json" in told


@pytest.mark.slow
def test_inputs_that_the_policy_leaves_out_are_named_with_what_is_needed(
    company: Company, workplace: Workplace
) -> None:
    policy = company.policy
    policy["Statement"].pop()
    keys = company.account.create_user(policy)

    told = refusal(workplace.run("refresh", **company.environ(keys)))

    assert f"s3://{company.input_bucket}/exports/catalog.csv: access is denied" in told
    assert "s3:GetObject" in told


@pytest.mark.slow
def test_a_store_that_hides_what_is_absent_needs_to_be_listed(
    workplace: Workplace, canned_s3: CannedS3
) -> None:
    canned_s3.fail(403, "AccessDenied")
    told = refusal(
        workplace.run(
            "refresh",
            FLUX_ASSETS_STORE="s3://bucket/pictures",
            AWS_ENDPOINT_URL_S3=canned_s3.endpoint,
            AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="invented",
            AWS_SECRET_ACCESS_KEY="invented-too",
        )
    )
    assert "s3://bucket/pictures/store.json" in told
    assert "s3:ListBucket (without which an absent object looks forbidden, too)" in told


# --- Single requests -------------------------------------------------------------------------


def test_a_picture_in_parts_needs_no_more_and_leaves_no_parts(company: Company) -> None:
    store, parts = _open(company, company.policy), _count_parts(company)
    store.put("images/a", bytes(LARGE), content_type="image/png")
    with pytest.raises(ConditionFailedError):
        store.put("images/a", bytes(LARGE), content_type="image/png", if_absent=True)
    assert parts == _count_parts(company) == 0


def test_without_the_right_to_abort_parts_stay_behind_and_cost(company: Company) -> None:
    store = _open(company, without_action(company.policy, "s3:AbortMultipartUpload"))
    store.put("images/a", bytes(LARGE), content_type="image/png")
    with pytest.raises(ConditionFailedError):
        store.put("images/a", bytes(LARGE), content_type="image/png", if_absent=True)
    assert _count_parts(company) == 1


def _count_parts(company: Company) -> int:
    found = company.administrator.list_multipart_uploads(Bucket=company.store_bucket)
    return len(found.get("Uploads", ()))


def _open(company: Company, policy: Policy) -> S3Store:
    client = company.client(company.account.create_user(policy))
    return S3Store(client, bucket=company.store_bucket, prefix=PREFIX)


def test_the_policy_reaches_nothing_beside_the_store(company: Company) -> None:
    client = company.client(company.account.create_user(company.policy))
    beside = S3Store(client, bucket=company.store_bucket, prefix="shops/other")
    inputs = S3Store(client, bucket=company.input_bucket, prefix="exports")

    for attempt in (
        lambda: beside.get("a"),
        lambda: beside.put("a", b"", content_type="text/plain"),
        lambda: list(beside.list("")),
        lambda: inputs.put("catalog.csv", b"", content_type="text/csv"),
        lambda: list(inputs.list("")),
    ):
        with pytest.raises(StorePermissionError, match="not authorized"):
            attempt()


def test_another_secret_is_refused_whatever_the_policy_says(company: Company) -> None:
    keys = company.account.create_user(company.policy)
    client = company.client({**keys, "AWS_SECRET_ACCESS_KEY": "invented"})
    with pytest.raises(StorePermissionError, match="SignatureDoesNotMatch"):
        S3Store(client, bucket=company.store_bucket, prefix=PREFIX).get("a")


@pytest.mark.parametrize("shop", ["", "acme/"])
def test_deleting_takes_a_policy_of_its_own_and_then_reaches_no_ledger_and_no_table(
    company: Company, shop: str
) -> None:
    picture, entry = f"{PREFIX}/{shop}images/hero/1/f.png", f"{PREFIX}/{shop}ledger/ff/f.json"
    part, index = f"{PREFIX}/{shop}tables/parts/image_plan/00-f.parquet", f"{PREFIX}/{shop}tables/f"
    job = company.policy
    prune = read_policy(
        "iam-policy-prune.json", STORE_BUCKET=company.store_bucket, STORE_PREFIX=PREFIX
    )
    both = {**job, "Statement": job["Statement"] + prune["Statement"]}

    assert not _may_delete(company, job, picture)
    assert _may_delete(company, both, picture)
    assert _may_delete(company, both, part)
    assert not _may_delete(company, both, entry)
    assert not _may_delete(company, both, index)


@pytest.mark.slow
def test_only_a_role_that_has_the_other_policy_too_prunes(
    company: Company, workplace: Workplace
) -> None:
    job = company.policy
    prune = read_policy(
        "iam-policy-prune.json", STORE_BUCKET=company.store_bucket, STORE_PREFIX=PREFIX
    )
    both = {**job, "Statement": job["Statement"] + prune["Statement"]}
    chosen = ("--product-ids", "00123", "--shots", "hero", "--json")
    command = ("prune", "--delete", "--older-than-days", "0", "--json")
    with standalone_simulator(workplace) as base_url:
        live = company.environ(company.account.create_user(job), base_url)
        assert workplace.run("refresh", *chosen, **live).json["calls"] == 1
        company.administrator.put_object(
            Bucket=company.input_bucket,
            Key="exports/overrides.csv",
            Body=OVERRIDES.replace(b",2,", b",3,"),
        )
        assert workplace.run("refresh", *chosen, **live).json["calls"] == 1
    before = _list_store(company)

    told = refusal(workplace.run(*command, **live))

    assert "nothing was deleted: could not delete s3://" in told
    assert "not authorized to perform: s3:DeleteObject" in told
    assert "deploy/iam-policy-prune.json" in told
    assert _list_store(company) == before
    allowed = company.environ(company.account.create_user(both), base_url)
    pruned = workplace.run(*command, **allowed)
    assert (pruned.exit_code, pruned.json["deleted"]) == (0, 1), pruned.stderr
    assert workplace.run("verify", **allowed).exit_code == 0
    gone = before.keys() - _list_store(company).keys()
    assert [key.split("/")[2] for key in gone] == ["images"]
    store = S3Store(company.client(allowed), bucket=company.store_bucket, prefix=PREFIX)
    store.delete(f"publishing/renditions/1/hero/{'f' * 32}.jpg")


def _list_store(company: Company) -> dict[str, str]:
    """The etag of every object in the store."""
    found = company.administrator.list_objects_v2(Bucket=company.store_bucket)["Contents"]
    return {item["Key"]: item["ETag"] for item in found}


def _may_delete(company: Company, policy: Policy, key: str) -> bool:
    company.administrator.put_object(Bucket=company.store_bucket, Key=key, Body=b"")
    client = company.client(company.account.create_user(policy))
    try:
        client.delete_object(Bucket=company.store_bucket, Key=key)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"  # noqa: PT017 - else it is true
        return False
    return True


# --- The files themselves --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["iam-policy.json", "iam-policy-prune.json"])
def test_the_docs_explain_every_placeholder(name: str) -> None:
    page = (PROJECT / "docs" / "going-live.md").read_text("utf-8")
    placeholders = set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", json.dumps(read_policy(name))))
    assert placeholders
    assert [name for name in placeholders if f"`{name}`" not in page] == []
