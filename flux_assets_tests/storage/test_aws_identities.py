"""Store and sources without access keys in the environment: a profile, a container, a role.

ministack checks each request's signature and session token, and its bucket is open to one
principal only: what gets through was signed with that principal's credentials.
"""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flux_assets.errors import SourceError, StorePermissionError
from flux_assets.prompts.inputs import load_overrides, load_shots, read_inputs_version
from flux_assets.settings import Settings
from flux_assets.storage.open_store import open_store
from flux_assets.storage.sources import read_bytes
from flux_assets_tests.fixtures.iam import Account, Policy, without_action
from flux_assets_tests.fixtures.sites import Request, Serve, open_sites

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AUTHORIZATION = "s3cr3t-of-the-container"
FILES = {
    "catalog.csv": b"product_id,title\n001,Chair\n",
    "overrides.csv": b"product_id,shot,take,seed,prompt,pin,skip\n001,,2,,,,\n",
    "shots.yaml": b'shots: {hero: {prompt: "{{ title }}"}}\n',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A bucket that one principal may use, and the place where its AWS configuration goes."""

    account: Account
    bucket: str
    folder: Path
    environ: pytest.MonkeyPatch
    serve: Serve

    @property
    def policy(self) -> Policy:
        statement = {
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"],
        }
        return {"Version": "2012-10-17", "Statement": [statement]}

    def write(self, name: str, *lines: str) -> None:
        (self.folder / name).write_text("\n".join(lines), "utf-8")


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as start:
        yield start


@pytest.fixture
def deployment(
    ministack_endpoint: str,
    ministack_client: "S3Client",
    aws_environ: pytest.MonkeyPatch,
    tmp_path: Path,
    serve: Serve,
) -> Deployment:
    bucket = f"identities-{uuid.uuid4()}"
    ministack_client.create_bucket(Bucket=bucket)
    for key, body in FILES.items():
        ministack_client.put_object(Bucket=bucket, Key=key, Body=body)
    aws_environ.setenv("AWS_ENDPOINT_URL", ministack_endpoint)
    return Deployment(
        account=Account(ministack_endpoint),
        bucket=bucket,
        folder=tmp_path,
        environ=aws_environ,
        serve=serve,
    )


def take_profile(deployment: Deployment, policy: Policy) -> None:
    keys = deployment.account.create_user(policy)
    lines = [f"{name.lower()} = {value}" for name, value in keys.items()]
    deployment.write("credentials", "[catalog]", *lines)
    deployment.environ.setenv("AWS_PROFILE", "catalog")


def take_role_by_profile(deployment: Deployment, policy: Policy) -> None:
    role = deployment.account.create_role(policy, action="sts:AssumeRole", principal={"AWS": "*"})
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    _write_role_profile(deployment, role, {"Version": "2012-10-17", "Statement": [assume]})


def _write_role_profile(deployment: Deployment, role: str, persons: Policy) -> None:
    keys = deployment.account.create_user(persons)
    lines = [f"{name.lower()} = {value}" for name, value in keys.items()]
    deployment.write("credentials", "[person]", *lines)
    deployment.write("config", "[profile catalog]", f"role_arn = {role}", "source_profile = person")
    deployment.environ.setenv("AWS_PROFILE", "catalog")


def take_role_by_web_identity(deployment: Deployment, policy: Policy) -> None:
    issuer = f"{uuid.uuid4().hex}.example.com"
    role = deployment.account.create_role(
        policy,
        action="sts:AssumeRoleWithWebIdentity",
        principal={"Federated": deployment.account.create_identity_provider(issuer)},
    )
    deployment.write("token", _build_token(issuer))
    deployment.environ.setenv("AWS_ROLE_ARN", role)
    deployment.environ.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(deployment.folder / "token"))


def _build_token(issuer: str) -> str:
    """A token as a cluster mounts it; ministack reads its issuer, and not its signature."""
    parts = ({"alg": "none"}, {"iss": f"https://{issuer}", "sub": "a-pod"})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(part.rstrip("=") for part in (*encoded, "c2lnbmVk"))


def take_containers_role(deployment: Deployment, policy: Policy) -> None:
    role = deployment.account.create_role(policy, action="sts:AssumeRole", principal={"AWS": "*"})
    session = deployment.account.assume_role(role)
    credentials = {
        "AccessKeyId": session["AccessKeyId"],
        "SecretAccessKey": session["SecretAccessKey"],
        "Token": session["SessionToken"],
        "Expiration": session["Expiration"].isoformat(),
    }

    def answer(request: Request) -> None:
        is_container = request.headers["Authorization"] == AUTHORIZATION
        body = json.dumps(credentials).encode()
        request.give(200, body) if is_container else request.give(401)

    url = deployment.serve(answer).url
    deployment.environ.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/credentials")
    deployment.environ.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", AUTHORIZATION)


Take = Callable[[Deployment, Policy], None]
every_identity = pytest.mark.parametrize(
    "take", [take_profile, take_role_by_profile, take_role_by_web_identity, take_containers_role]
)


@every_identity
def test_store_and_inputs_are_used_as_whoever_the_environment_says(
    deployment: Deployment, take: Take
) -> None:
    take(deployment, deployment.policy)
    uri = f"s3://{deployment.bucket}"
    settings = Settings(
        catalog=f"{uri}/catalog.csv", overrides=f"{uri}/overrides.csv", shots=f"{uri}/shots.yaml"
    )
    store = open_store(f"{uri}/pictures")

    store.put("images/a", b"picture", content_type="image/png")

    assert store.get("images/a").data == b"picture"
    assert [info.key for info in store.list("images/")] == ["images/a"]
    assert read_bytes(settings.catalog) == FILES["catalog.csv"]
    assert len(read_inputs_version(settings).split()) == 2
    assert not load_overrides(settings).problems
    assert [shot.name for shot in load_shots(settings).shots] == ["hero"]


@every_identity
def test_an_identity_may_do_no_more_than_its_own_policy_says(
    deployment: Deployment, take: Take
) -> None:
    take(deployment, without_action(deployment.policy, "s3:PutObject"))
    with pytest.raises(StorePermissionError, match="not authorized to perform: s3:PutObject"):
        open_store(f"s3://{deployment.bucket}").put("a", b"", content_type="text/plain")


def test_a_role_that_may_not_be_taken_on_is_told_apart_from_a_forbidden_object(
    deployment: Deployment,
) -> None:
    role = deployment.account.create_role(
        deployment.policy, action="sts:AssumeRole", principal={"AWS": "*"}
    )
    _write_role_profile(deployment, role, deployment.policy)

    with pytest.raises(SourceError, match=r"the role was refused .*sts:AssumeRole.*trust policy"):
        read_bytes(f"s3://{deployment.bucket}/catalog.csv")
    with pytest.raises(StorePermissionError, match="not authorized to perform: sts:AssumeRole"):
        open_store(f"s3://{deployment.bucket}").get("a")
