from pathlib import Path

import pytest

from flux_assets.errors import ConditionFailedError, StoreError, StorePermissionError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.probe import probe_store, prove_conditions
from flux_assets_tests.fixtures.careless_s3 import CarelessS3
from flux_assets_tests.fixtures.purchases import HookedStore

PROBES = ["put", "get", "list", "conditional create", "conditional change"]


@pytest.fixture
def hooked_store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


def problems(store: ObjectStore) -> dict[str, str]:
    probes = list(probe_store(store, "check-1"))
    assert [probe.name for probe in probes] == PROBES
    return {probe.name: probe.problem for probe in probes if probe.problem}


def test_a_good_store_passes_every_probe_and_writes_only_what_expires(
    any_store: ObjectStore,
) -> None:
    assert problems(any_store) == {}
    assert {info.key.split("/")[1] for info in any_store.list("")} == {"check-1"}


def test_a_good_store_is_proven_by_every_step_of_a_run(any_store: ObjectStore) -> None:
    for _ in range(2):
        prove_conditions(any_store, "run-1")
    assert [info.key for info in any_store.list("")] == ["runs/run-1/conditions.json"]


def test_a_store_that_ignores_conditions_fails_both_probes_of_them(
    careless_store: ObjectStore,
) -> None:
    found = problems(careless_store)
    assert list(found) == ["conditional create", "conditional change"]
    assert "it ignores the condition If-None-Match: * of a write" in found["conditional create"]
    assert "it ignores the condition If-Match of a write" in found["conditional change"]


@pytest.mark.parametrize("dropped", ["if-none-match", "if-match"])
def test_no_run_may_buy_into_a_store_that_ignores_either_condition(
    careless_s3: CarelessS3, careless_store: ObjectStore, dropped: str
) -> None:
    careless_s3.dropped = (dropped,)
    with pytest.raises(StoreError, match=f"(?i)ignores the condition {dropped}.*nothing was sent"):
        prove_conditions(careless_store, "run-1")


def test_a_store_that_never_grants_a_condition_is_told_from_one_that_ignores_it(
    hooked_store: HookedStore,
) -> None:
    def refuse(operation: str, key: str) -> None:
        if operation == "put" and not key.endswith("put.json"):
            raise ConditionFailedError(key, "write", "never")

    hooked_store.before = refuse
    assert "refuses a new object" in problems(hooked_store)["conditional create"]


def test_one_missing_permission_hides_no_other(hooked_store: HookedStore) -> None:
    def forbid(operation: str, key: str) -> None:
        if operation == "list":
            raise StorePermissionError(key, "list", "s3:ListBucket is missing")

    hooked_store.before = forbid
    assert list(problems(hooked_store)) == ["list"]
