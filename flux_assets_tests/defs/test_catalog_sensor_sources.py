"""What the catalog sensor asks of each kind of source: cheaply, and whether anything changed."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from flux_assets.defs.automation import build_catalog_sensor
from flux_assets.defs.names import Names
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop
from flux_assets_tests.fixtures.sites import Request, Serve, open_sites

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OVERRIDES = "product_id,shot,take,seed,prompt,pin,skip\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001") as shop:
        yield shop


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as start:
        yield start


def _look(shop: DagsterShop, cursor: str | None = None) -> str | None:
    """One tick of the sensor: the next cursor if it asks for a run, None if there is no change."""
    context = dg.build_sensor_context(instance=shop.instance, cursor=cursor)
    result = build_catalog_sensor(shop.settings, Names())(context)
    if isinstance(result, dg.SkipReason):
        assert str(result.skip_message).startswith("no change of "), result
        return None
    assert isinstance(result, dg.SensorResult)
    assert len(result.run_requests or []) == 1
    return result.cursor


@pytest.mark.usefixtures("aws_environ")
def test_of_an_s3_export_only_the_etag_is_asked_for(
    shop: DagsterShop,
    monkeypatch: pytest.MonkeyPatch,
    moto_client: "S3Client",
    moto_endpoint: str,
) -> None:
    bucket = f"exports-{uuid.uuid4()}"
    moto_client.create_bucket(Bucket=bucket)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "invented")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented-too")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_endpoint)
    asked = _record_operations(monkeypatch)
    shop.environ["FLUX_ASSETS_CATALOG"] = f"s3://{bucket}/export.csv"

    def put(body: bytes) -> None:
        moto_client.put_object(Bucket=bucket, Key="export.csv", Body=body)

    put(b"product_id,title\n1,Chair\n")
    first = _look(shop)
    assert first
    put(b"product_id,title\n1,Chair\n")
    assert _look(shop, first) is None, "the same bytes, put again, are no change"
    put(b"product_id,title\n1,Stool\n")
    second = _look(shop, first)
    assert second
    put(b"product_id,title\n1,Chair\n")
    assert _look(shop, second) == first, "what returns is a change, too"
    assert asked == ["HeadObject"] * 4


def _record_operations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every operation that a client made from now on sends, by name."""
    import boto3  # noqa: PLC0415 - patched where the source looks it up

    asked: list[str] = []
    make_client = boto3.session.Session.client

    def make_recorded(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - boto3's own
        client = make_client(*arguments, **options)
        client.meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
        return client

    monkeypatch.setattr(boto3.session.Session, "client", make_recorded)
    return asked


@pytest.mark.parametrize("knows_head", [True, False])
def test_of_an_address_only_the_version_is_asked_for(
    shop: DagsterShop, serve: Serve, *, knows_head: bool
) -> None:
    etag = '"v1"'

    def answer(request: Request) -> None:
        if request.command == "HEAD" and not knows_head:
            request.give(405)
        else:
            request.give(206, b"p", ETag=etag)

    site = serve(answer)
    shop.environ["FLUX_ASSETS_CATALOG"] = f"{site.url}/export.csv?signature=1"
    shop.environ["FLUX_ASSETS_CATALOG_HEADER"] = "X-Shop-Key: s3cr3t"
    first = _look(shop)
    assert first
    assert _look(shop, first) is None
    etag = '"v2"'
    second = _look(shop, first)
    assert second
    etag = '"v1"'
    assert _look(shop, second) == first, "what returns is a change, too"

    whole = [
        request
        for request in site.received
        if request.command == "GET" and request.headers["Range"] != "bytes=0-0"
    ]
    assert not whole
    assert set(site.received_header("X-Shop-Key")) == {"s3cr3t"}


def test_a_change_of_the_overrides_asks_for_a_run_as_well(shop: DagsterShop) -> None:
    overrides = shop.folder / "overrides.csv"
    overrides.write_text(OVERRIDES, "utf-8")
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
    first = _look(shop)
    assert first
    assert _look(shop, first) is None
    overrides.write_text(f"{OVERRIDES}001,hero,2,,,,\n", "utf-8")
    second = _look(shop, first)
    assert second
    shop.set_product("002")
    assert _look(shop, second)


def test_each_server_gets_its_own_secret_and_nobody_else_ever_sees_one(
    shop: DagsterShop, serve: Serve, capfd: pytest.CaptureFixture[str]
) -> None:
    secrets = {"CATALOG": "s3cr3t-of-the-catalog", "OVERRIDES": "s3cr3t-of-the-overrides"}
    bodies = {"CATALOG": b"product_id,title\n001,Chair\n", "OVERRIDES": OVERRIDES.encode()}
    sites = {}
    for name, secret in secrets.items():

        def answer(request: Request, secret: str = secret, body: bytes = bodies[name]) -> None:
            is_allowed = request.headers["X-Key"] == secret
            request.give(200, body, ETag='"v1"') if is_allowed else request.give(401)

        sites[name] = serve(answer)
        shop.environ[f"FLUX_ASSETS_{name}"] = f"{sites[name].url}/{name}.csv"
        shop.environ[f"FLUX_ASSETS_{name}_HEADER"] = f"X-Key: {secret}"

    shop.write_shots('shots: {hero: {prompt: "{{ title }}"}}')
    assert _look(shop)
    refreshed = shop.refresh()
    shop.environ["FLUX_ASSETS_OVERRIDES_HEADER"] = "X-Key: s3cr3t-that-is-wrong"
    failed = shop.failing_refresh()

    assert refreshed.counts() == {"generated": 1, "calls": 1}
    assert "access is denied (HTTP 401)" in failed.failure()[1]
    assert set(sites["CATALOG"].received_header("X-Key")) == {secrets["CATALOG"]}
    assert secrets["CATALOG"] not in sites["OVERRIDES"].received_header("X-Key")
    logs = [repr(shop.instance.all_logs(run.run_id)) for run in (refreshed, failed)]
    stored = [
        path.read_bytes().decode("latin-1") for path in shop.folder.rglob("*") if path.is_file()
    ]
    assert not [text[:200] for text in (*logs, *stored, *capfd.readouterr()) if "s3cr3t" in text]
