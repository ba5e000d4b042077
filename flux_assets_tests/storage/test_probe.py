import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from flux_assets.errors import ConditionFailedError, StoreError, StorePermissionError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import PICTURE_KEY, PROOF_KEY, ObjectBody, ObjectStore
from flux_assets.storage.probe import probe_store, prove_store
from flux_assets_tests.fixtures.careless_s3 import CarelessS3
from flux_assets_tests.fixtures.hooked_store import HookedStore

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
        prove_store(any_store, "run-1")
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
        prove_store(careless_store, "run-1")


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


# --- Pictures ---------------------------------------------------------------------------------


class ForgetfulStore(HookedStore):
    """A store with a fault that only a picture shows."""

    fault = ""
    has_been_read = False

    def get(self, key: str) -> ObjectBody:
        body = super().get(key)
        self.has_been_read |= key == PROOF_KEY
        if self.fault == "bytes" and len(body.data) > 2**19:
            return replace(body, data=body.data[: 2**19])
        return replace(body, metadata={}) if self.fault == "metadata" else body

    def list_keys(self, prefix: str) -> Iterator[str]:
        keys = super().list_keys(prefix)
        return (unquote(key) for key in keys) if self.fault == "listing" else keys


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("bytes", "gives other bytes"),
        ("metadata", "does not keep an object's metadata"),
        ("listing", "its listing does not name"),
    ],
)
def test_no_run_may_buy_into_a_store_that_does_not_keep_pictures(
    tmp_path: Path, fault: str, problem: str
) -> None:
    store = ForgetfulStore(DirectoryStore(tmp_path / "store"))
    store.fault = fault
    with pytest.raises(StoreError, match=f"{problem}.*nothing was sent"):
        prove_store(store, "run-1")
    assert any(problem in told for told in problems(store).values())


def test_a_proof_that_another_step_is_just_removing_is_put_again(tmp_path: Path) -> None:
    store = ForgetfulStore(DirectoryStore(tmp_path / "store"))
    store.fault = "metadata"

    def remove_and_leave(operation: str, key: str) -> None:
        if operation == "put" and key == PROOF_KEY and store.has_been_read:
            store.fault = ""

    store.before = remove_and_leave
    prove_store(store, "run-1")
    assert store.has_been_read


@pytest.mark.parametrize("prefix", ["images/", "runs/"])
def test_no_run_may_buy_into_a_store_that_takes_nothing_there(
    hooked_store: HookedStore, prefix: str
) -> None:
    def forbid(operation: str, key: str) -> None:
        if operation == "put" and key.startswith(prefix):
            raise StorePermissionError(key, "write", "Access Denied")

    hooked_store.before = forbid
    with pytest.raises(StoreError, match="Access Denied"):
        prove_store(hooked_store, "run-1")


def test_a_store_that_never_grants_a_change_is_refused(hooked_store: HookedStore) -> None:
    writes: list[str] = []

    def refuse(operation: str, key: str) -> None:
        if operation == "put":
            writes.append(key)
            if len(writes) > 1:
                raise ConditionFailedError(key, "write", "never")

    hooked_store.before = refuse
    with pytest.raises(StoreError, match="refuses a change whose condition"):
        prove_store(hooked_store, "run-1")


def test_where_nothing_may_be_deleted_one_object_stays_which_no_picture_is(
    hooked_store: HookedStore,
) -> None:
    def forbid(operation: str, key: str) -> None:
        if operation == "delete":
            raise StorePermissionError(key, "delete", "Access Denied")

    hooked_store.before = forbid
    for run in ("run-1", "run-2"):
        prove_store(hooked_store, run)
    assert [info.key for info in hooked_store.list("images/")] == [PROOF_KEY]
    assert not PICTURE_KEY.fullmatch(PROOF_KEY)
    assert {"%20", "%25", "%C3"} <= set(re.findall("%..", PROOF_KEY))


def test_steps_at_once_prove_a_store_together(tmp_path: Path) -> None:
    def prove(number: int) -> None:
        prove_store(DirectoryStore(tmp_path / "store"), f"run-{number % 2}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(prove, range(12)))
