"""An export whose letters are a guess buys nothing, whatever starts the run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.bill.open_ledger import RunIdentity, Stores
from flux_assets.commands.checks.inputs import check_inputs
from flux_assets.commands.checks.purchase import buy_one
from flux_assets.errors import SettingsError, ShotsFileError, SuspectedEncodingError
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import plan_catalog
from flux_assets.prompts.requests_table import read_requests
from flux_assets.prompts.wishes import find_chosen
from flux_assets.settings import load_settings
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop
from flux_assets_tests.fixtures.shops import SHOTS

RUN = RunIdentity(run_id="check-1", step="check", is_run_dead=lambda _run: False)
SETTING = "FLUX_ASSETS_CATALOG_ENCODING"
IDS = ("001", "002", "003")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, *IDS) as shop:
        yield shop


def write_turkish(shop: DagsterShop) -> None:
    """The same products, with titles that only Turkish's page reads right."""
    for product_id in IDS:
        shop.set_product(product_id, title=f"Gümüş kaşık {product_id}", color="kırmızı")
    file = shop.folder / "catalog.csv"
    file.write_bytes(file.read_text("utf-8").encode("cp1254"))


def test_a_refresh_stops_before_its_first_call_and_changes_nothing(shop: DagsterShop) -> None:
    shop.refresh()
    before, bill = shop.manifest_rows(), len(shop.bill())
    write_turkish(shop)
    step, told = shop.failing_refresh().failure()
    assert step == "product_catalog"
    assert f"{SETTING}=cp1254" in told
    assert "`encoding:` in the shots file" in told
    assert shop.manifest_rows() == before
    assert len(shop.bill()) == bill
    assert set(shop.instance.get_dynamic_partitions("products")) == set(IDS)

    shop.environ[SETTING] = "cp1254"
    assert shop.refresh().counts()["generated"] == 6
    assert {request.prompt for request in shop.requests().values()} >= {
        "Gümüş kaşık 001 on white",
        "Gümüş kaşık 001 in kırmızı",
    }


def test_the_shots_file_decides_too_and_goes_before_the_setting(shop: DagsterShop) -> None:
    write_turkish(shop)
    shop.environ[SETTING] = "cp1250"
    shop.write_shots(f"encoding: windows-1254\n{SHOTS}")
    assert shop.refresh().counts()["generated"] == 6
    assert "Gümüş" in next(iter(shop.requests().values())).prompt


def test_a_backfill_buys_nothing(shop: DagsterShop) -> None:
    shop.register_products()
    write_turkish(shop)
    failed = shop.materialize("images/hero", partition_key="001").expect(success=False)
    assert SETTING in failed.failure()[1]
    assert shop.bill() == []


def test_a_plan_shows_the_titles_and_the_obstacle(shop: DagsterShop) -> None:
    write_turkish(shop)
    dry_run = plan_catalog(shop.settings, shop.store, RUN, Choices())
    assert next(read_requests(dry_run.requests.read())).prompt == "Gümüş kaşık 001 on white"
    assert dry_run.to_buy == 6
    assert SETTING in dry_run.obstacle
    assert dry_run.to_json()["obstacle"] == dry_run.obstacle
    shop.environ[SETTING] = "cp1254"
    assert plan_catalog(shop.settings, shop.store, RUN, Choices()).obstacle == ""


def test_a_check_and_its_purchase_stop(shop: DagsterShop) -> None:
    write_turkish(shop)
    (catalog, *_) = check_inputs(shop.settings)
    assert catalog.verdict == "problem"
    assert SETTING in catalog.detail
    stores = Stores(shop=shop.store, root=shop.store)
    with pytest.raises(SuspectedEncodingError):
        list(buy_one(shop.settings, stores, RUN, announce=pytest.fail))


def test_a_reroll_raises_no_take(shop: DagsterShop) -> None:
    write_turkish(shop)
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
    with pytest.raises(SuspectedEncodingError):
        find_chosen(shop.settings, "001", ["hero"])
    assert not (shop.folder / "overrides.csv").exists()


@pytest.mark.parametrize("name", ["cp1255x", "rot13", "base64", "unicode_escape", "utf-7"])
def test_a_wrong_name_of_an_encoding_is_one_clear_error(shop: DagsterShop, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{SETTING}: '{name}' is no encoding that is known"):
        load_settings({SETTING: name})
    shop.write_shots(f"encoding: {name}\n{SHOTS}")
    with pytest.raises(ShotsFileError, match=r"line 1: encoding: .* is no encoding"):
        shop.requests()
