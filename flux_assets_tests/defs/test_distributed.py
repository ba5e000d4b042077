"""A refresh over two Celery workers, with real PostgreSQL, Redis and S3, and the API over HTTP."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.storage.parquet import read_parquet
from flux_assets.storage.s3 import S3Store
from flux_assets_tests.fixtures.command_line import make_workplace, standalone_simulator
from flux_assets_tests.fixtures.machines import Deployment, deployed
from flux_assets_tests.fixtures.postgres_server import PostgresServer
from flux_assets_tests.fixtures.redis_server import running_redis
from flux_assets_tests.fixtures.stores import new_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.slow

SHOTS = """
shots:
  hero: {prompt: "{{ title }} on white"}
  wide: {prompt: "{{ title }} on a table", aspect_ratio: "16:9"}
"""
SHOT_NAMES = ("hero", "wide")
MAX_IN_FLIGHT = 10
SHARD_SIZE = 50
CALL_TIMEOUT_SECONDS = 5
# The least that is allowed for such shards: a killed worker's is then not long in coming back.
VISIBILITY_TIMEOUT_SECONDS = 2 * CALL_TIMEOUT_SECONDS * math.ceil(SHARD_SIZE / MAX_IN_FLIGHT) + 1
SECRET = "invented-word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A catalog on S3 with two pictures a product, and the deployment that buys them."""

    deployment: Deployment
    store: S3Store
    simulator: SimulatorState

    def assert_complete(self, products: int) -> None:
        """Every product has both its pictures, under the keys that the manifest gives."""
        manifest = read_parquet(self.store.get(MANIFEST_KEY).data)
        assert not manifest["stale"].any()
        found = Counter(zip(manifest["product_id"], manifest["shot"], strict=True))
        wanted = [f"{number:04}" for number in range(products)]
        assert found == {(product_id, shot): 1 for product_id in wanted for shot in SHOT_NAMES}
        assert len(list(self.store.list("images/"))) == products * len(SHOT_NAMES)

    def only_run(self, instance: dg.DagsterInstance) -> dg.DagsterRun | None:
        return next(iter(instance.get_runs(limit=1)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the events of a run say: which worker began each shard, and what came of it."""

    workers: dict[str, list[str]]
    pictures: Counter[str]
    ended: set[str]


def read_progress(instance: dg.DagsterInstance, run_id: str) -> Progress:
    workers: dict[str, list[str]] = defaultdict(list)
    pictures: Counter[str] = Counter()
    ended = set()
    for entry in instance.all_logs(run_id):
        event, step = entry.dagster_event, entry.step_key or ""
        if event is None or "generate_shard" not in step:
            continue
        if event.is_engine_event and "Celery worker" in event.engine_event_data.metadata:
            name = str(event.engine_event_data.metadata["Celery worker"].value)
            workers[step].append(name.partition("@")[0])
        pictures[step] += event.is_step_materialization
        if event.is_step_success:
            ended.add(step)
    return Progress(workers=dict(workers), pictures=pictures, ended=ended)


@contextmanager
def open_shop(
    folder: Path,
    client: "S3Client",
    shared: dict[str, str],
    *simulator_arguments: str,
    products: int,
    **settings: str,
) -> Iterator[Shop]:
    bucket = new_bucket(client)
    rows = [f"{number:04},Chair no. {number}" for number in range(products)]
    for key, text in {
        "catalog.csv": "\n".join(["product_id,title", *rows]),
        "shots.yaml": SHOTS,
    }.items():
        client.put_object(Bucket=bucket, Key=key, Body=text.encode())
    workplace = make_workplace(folder / "api")
    with standalone_simulator(workplace, *simulator_arguments) as base_url:
        environ = {
            **shared,
            "DAGSTER_LOGS_BUCKET": bucket,
            "FLUX_ASSETS_MODE": "live",
            "ONEMIN_API_KEY": SAMPLE_KEY,
            "ONEMIN_BASE_URL": base_url,
            "FLUX_ASSETS_STORE": f"s3://{bucket}/pictures",
            "FLUX_ASSETS_CATALOG": f"s3://{bucket}/catalog.csv",
            "FLUX_ASSETS_SHOTS": f"s3://{bucket}/shots.yaml",
            "FLUX_ASSETS_EXECUTOR": "celery",
            "FLUX_ASSETS_MAX_IN_FLIGHT": str(MAX_IN_FLIGHT),
            **settings,
        }
        with deployed(folder / "machines", environ) as deployment:
            yield Shop(
                deployment=deployment,
                store=S3Store(client, bucket=bucket, prefix="pictures"),
                simulator=SimulatorState(workplace.folder / ".flux_assets/simulator"),
            )


@pytest.fixture
def shared(
    tmp_path: Path,
    postgres: PostgresServer,
    ministack_endpoint: str,
    aws_environ: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    """What all machines of a test share; database and queue are the test's own."""
    aws = {
        "AWS_ACCESS_KEY_ID": "invented",
        "AWS_SECRET_ACCESS_KEY": "invented-too",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": ministack_endpoint,
    }
    for name, text in aws.items():
        aws_environ.setenv(name, text)
    with running_redis(tmp_path) as redis_url:
        yield {
            **aws,
            **postgres.environ(postgres.create_database()),
            "FLUX_ASSETS_CELERY_BROKER": f"{redis_url}/0",
            "FLUX_ASSETS_RATE_LIMITER": f"{redis_url}/1",
        }


def test_two_workers_share_a_refresh_and_each_picture_is_paid_once(
    tmp_path: Path, ministack_client: "S3Client", shared: dict[str, str]
) -> None:
    with open_shop(
        tmp_path / "shop",
        ministack_client,
        shared,
        products=200,
        FLUX_ASSETS_SHARD_SIZE=str(SHARD_SIZE),
    ) as shop:
        workers = [shop.deployment.start_worker(name) for name in ("one", "two")]
        run = shop.deployment.start_refresh()
        shop.deployment.wait_for_end(run)

        assert len(shop.simulator.read_bill()) == 400
        shop.assert_complete(200)
        with shop.deployment.instance() as instance:
            found = shop.only_run(instance)
            assert found is not None
            assert found.status == dg.DagsterRunStatus.SUCCESS
            progress = read_progress(instance, found.run_id)
            told = repr([found, *instance.all_logs(found.run_id)])
    assert len(progress.workers) == 8
    assert {name for names in progress.workers.values() for name in names} == {"one", "two"}
    assert all(len(names) == 1 for names in progress.workers.values())
    assert SECRET not in told + run.log + "".join(worker.log for worker in workers)


def test_what_a_killed_worker_was_doing_is_done_by_the_other(
    tmp_path: Path, ministack_client: "S3Client", shared: dict[str, str]
) -> None:
    with open_shop(
        tmp_path / "shop",
        ministack_client,
        shared,
        *("--latency", "0.5"),
        products=200,
        FLUX_ASSETS_SHARD_SIZE=str(SHARD_SIZE),
        FLUX_ASSETS_CALL_TIMEOUT_SECONDS=str(CALL_TIMEOUT_SECONDS),
        FLUX_ASSETS_CELERY_VISIBILITY_TIMEOUT_SECONDS=str(VISIBILITY_TIMEOUT_SECONDS),
    ) as shop:
        doomed = shop.deployment.start_worker("one")
        shop.deployment.start_worker("two")
        run = shop.deployment.start_refresh()
        with shop.deployment.instance() as instance:

            def find_half_done() -> str | None:
                found = shop.only_run(instance)
                progress = read_progress(instance, found.run_id) if found else None
                for step, names in progress.workers.items() if progress else ():
                    is_half_done = progress and 5 <= progress.pictures[step] <= SHARD_SIZE - 15
                    if names == ["one"] and is_half_done:
                        return step
                return None

            step = shop.deployment.wait(find_half_done, "a shard that is half done", run)
            doomed.kill()
            shop.deployment.wait_for_end(run)

            found = shop.only_run(instance)
            assert found is not None
            assert found.status == dg.DagsterRunStatus.SUCCESS
            assert read_progress(instance, found.run_id).workers[step] == ["one", "two"]
    bill = shop.simulator.read_bill()
    assert 400 <= len(bill) <= 400 + MAX_IN_FLIGHT
    shop.assert_complete(200)


def test_two_workers_keep_to_the_rate_of_their_account_together(
    tmp_path: Path, ministack_client: "S3Client", shared: dict[str, str]
) -> None:
    with open_shop(
        tmp_path / "shop",
        ministack_client,
        shared,
        *("--requests-per-minute", "120"),
        products=80,
        FLUX_ASSETS_REQUESTS_PER_MINUTE="120",
        FLUX_ASSETS_SHARD_SIZE="20",
    ) as shop:
        for name in ("one", "two"):
            shop.deployment.start_worker(name)
        shop.deployment.wait_for_end(shop.deployment.start_refresh())

        assert len(shop.simulator.read_bill()) == 160
        shop.assert_complete(80)
        with shop.deployment.instance() as instance:
            found = shop.only_run(instance)
            assert found is not None
            workers = read_progress(instance, found.run_id).workers
    assert {name for names in workers.values() for name in names} == {"one", "two"}
    assert shop.simulator.read_count("too_many_requests") <= 160 * 0.05
