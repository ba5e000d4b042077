"""The same pictures the naive way and ours, both as backfills through one live daemon.

The naive way is `naive_definitions.py`: a run a product. Ours is a backfill of `images/hero`. The
API answers at once, so that all time is overhead: from the first run's creation to the last
run's end, without the daemon's pause before a backfill. The naive way makes fewer pictures, of
which each takes as long, so that the time per picture is compared.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from dagster_dev import dagster_dev
from figures import Figure, at_most, run_alone
from servers import simulator
from shops import Shop, open_shop

PRODUCTS = 200
NAIVE_PRODUCTS = 30
_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 900
_WORKSPACE = """
load_from:
  - python_file: {relative_path: NAIVE, location_name: naive}
  - python_module: {module_name: flux_assets.definitions, location_name: flux_assets}
"""
_LAUNCH = """
mutation($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_ADD_PARTITION = """
mutation($name: String!, $key: String!, $repository: RepositorySelector!) {
  addDynamicPartition(
    partitionsDefName: $name, partitionKey: $key, repositorySelector: $repository
  ) { __typename }
}
"""
_LOOK = """
query($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status }
  }
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { creationTime endTime status } }
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """A finished backfill: its runs, and the time from their first creation to their last end."""

    runs: int
    seconds: float


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds per picture of both, and how many runs each took."""
    products, naive_products = (6, 2) if quick else (PRODUCTS, NAIVE_PRODUCTS)
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as base_url:
        shop = open_shop(Path(name) / "shop", base_url, products=products, one_shot=True)
        with _dagster(shop) as daemon:
            keys = [f"P-{number:06d}" for number in range(products)]
            daemon.add_partitions("flux_assets", "products", keys)
            ours = daemon.backfill(["images", "hero"], keys)
            daemon.add_partitions("naive", "naive_products", keys[:naive_products])
            naive = daemon.backfill(["naive_picture"], keys[:naive_products])
    return [
        Figure(
            name=f"overhead a picture in a backfill: ours ({products} products), beside the naive "
            f"way (by {naive_products} of them)",
            unit="s",
            ours=ours.seconds / products,
            peer=naive.seconds / naive_products,
            target=at_most(0.05),
        ),
        Figure(
            name=f"runs of such a backfill of {products} products, the naive way's reckoned from "
            f"{naive_products}",
            unit="runs",
            ours=ours.runs,
            peer=naive.runs / naive_products * products,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Daemon:
    """A `dagster dev` under way, by its GraphQL."""

    url: str

    def add_partitions(self, location: str, name: str, keys: Sequence[str]) -> None:
        repository = {
            "repositoryName": "__repository__",
            "repositoryLocationName": location,
        }
        for key in keys:  # Dagster's GraphQL takes them one by one
            self._ask(_ADD_PARTITION, name=name, key=key, repository=repository)

    def backfill(self, path: Sequence[str], keys: Sequence[str]) -> Backfill:
        """Launch it, and wait for its end."""
        parameters = {"assetSelection": [{"path": path}], "partitionNames": keys}
        launched = self._ask(_LAUNCH, parameters=parameters)["launchPartitionBackfill"]
        if "backfillId" not in launched:
            sys.exit(f"the backfill was not launched: {launched}")
        for _ in itertools.repeat(None, int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            seen = self._ask(_LOOK, id=launched["backfillId"])
            status = seen["partitionBackfillOrError"]["status"]
            if status == "COMPLETED_SUCCESS":
                runs = seen["runsOrError"]["results"]
                began = min(run["creationTime"] for run in runs)
                return Backfill(runs=len(runs), seconds=max(run["endTime"] for run in runs) - began)
            if status not in {"REQUESTED", "COMPLETED"}:
                sys.exit(f"the backfill ended as {status}")
            time.sleep(_LOOK_SECONDS)
        sys.exit("the backfill does not end")

    def _ask(self, query: str, **variables: object) -> Any:  # noqa: ANN401 - as GraphQL answers
        reply = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60
        )
        answer = reply.json()
        if "errors" in answer:
            sys.exit(f"Dagster does not understand: {answer['errors']}")
        return answer["data"]


@contextmanager
def _dagster(shop: Shop) -> Iterator[_Daemon]:
    """Both code locations in one Dagster; ten runs at once, as Dagster's default is."""
    (shop.folder / "workspace.yaml").write_text(
        _WORKSPACE.replace("NAIVE", str(Path(__file__).with_name("naive_definitions.py"))), "utf-8"
    )
    config = (shop.folder / "dagster.yaml").read_text("utf-8")
    shop.home.mkdir(parents=True)
    (shop.home / "dagster.yaml").write_text(
        config.replace("max_concurrent_runs: 4", "max_concurrent_runs: 10"), "utf-8"
    )
    environ = {
        **shop.environ,
        "DAGSTER_HOME": str(shop.home),
        "NAIVE_FOLDER": str(shop.folder / "naive"),
    }
    with dagster_dev(shop.folder, environ) as dagster:
        yield _Daemon(url=dagster.url)


if __name__ == "__main__":
    run_alone(measure, __doc__)
