"""What an earlier release bought under an id that it read otherwise is found again, unpaid.

`samples/store_of_former_ids` was written by the release before ids were normalised.
"""

import shutil
from pathlib import Path

import pytest

from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.buying.picture_records import open_records
from flux_assets.manifest.audit import verify_store
from flux_assets.manifest.wanted import read_wanted_pictures
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import DryRun, plan_catalog
from flux_assets.prompts.requests_table import read_requests
from flux_assets.settings import Settings, load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.shops import FAST

SAMPLE = Path(__file__).parents[1] / "samples" / "store_of_former_ids"
RUN = RunIdentity(run_id="run", step="step", is_run_dead=lambda _: True)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    shutil.copytree(SAMPLE, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return load_settings(FAST)


def plan(settings: Settings, **choices: object) -> DryRun:
    store = DirectoryStore(Path("store"))
    return plan_catalog(settings, store, RUN, Choices(**choices))  # type: ignore[arg-type] # its own fields


def test_a_picture_under_a_former_id_is_stored_and_nothing_is_orphaned(settings: Settings) -> None:
    planned = plan(settings)
    assert (planned.plan.counts["stored"], planned.to_buy, planned.plan.orphaned) == (4, 0, 0)
    assert planned.obstacle == ""
    assert [row.product_id for row in planned.plan.rows] == ["MÜ-1", "ZW-1", "00125", "plain"]


@pytest.mark.parametrize("written", ["MU\u0308-1", "MÜ-1", "\u200bMÜ-1"])
def test_a_product_is_chosen_by_its_id_in_any_spelling(settings: Settings, written: str) -> None:
    (row,) = plan(settings, product_ids=[written]).plan.rows
    assert row.product_id == "MÜ-1"


def test_a_changed_product_is_changed_though_its_id_is_read_otherwise(settings: Settings) -> None:
    text = Path("catalog.csv").read_text("utf-8").replace("Zero Bowl", "Round Bowl")
    Path("catalog.csv").write_text(text, "utf-8")
    planned = plan(settings)
    assert (planned.plan.counts["changed"], planned.to_buy, planned.plan.orphaned) == (1, 1, 0)


def test_an_adopted_picture_is_shown_at_the_id_of_now_and_wanted(settings: Settings) -> None:
    store = DirectoryStore(Path("store"))
    ledger = open_ledger(settings, store, RUN)
    records = open_records(settings, store, ledger, preview_px=0)
    planned = plan(settings)
    keys = {row.fingerprint: row.object_key for row in planned.plan.rows}
    for request in read_requests(planned.requests.read()):
        key = keys[request.fingerprint]
        lineage, _ = records.adopt(request, key)
        assert (lineage.product_id, lineage.object_key) == (request.product_id, key)
        entry = ledger.read(request.fingerprint)
        assert entry is not None
        assert entry.lineage == lineage
    again = plan(settings)
    assert (again.plan.counts["stored"], again.plan.orphaned) == (4, 0)
    wanted = read_wanted_pictures(settings, store, ledger, judges_owners=True, published=set())
    assert all(wanted.has(key, fingerprint[:32]) for fingerprint, key in keys.items())
    assert verify_store(records, deep=True, repair=True).counts["orphaned"] == 0


def test_a_pin_finds_a_picture_under_a_former_id(settings: Settings) -> None:
    first = next(row for row in plan(settings).plan.rows if row.product_id == "00125")
    pin = f"product_id,shot,pin\n'00125,hero,{first.fingerprint[:12]}\n"
    Path("overrides.csv").write_text(pin, "utf-8")
    pinned = load_settings(FAST | {"FLUX_ASSETS_OVERRIDES": "overrides.csv"})
    planned = plan(pinned)
    assert (planned.plan.counts["stored"], len(planned.override_problems)) == (4, 0)
    assert {row.product_id for row in planned.plan.rows} == {"MÜ-1", "ZW-1", "00125", "plain"}
