import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from flux_assets.commands.checks.account import check_api, check_key, check_mode
from flux_assets.commands.checks.finding import Finding, run_checks
from flux_assets.commands.checks.inputs import check_inputs
from flux_assets.commands.checks.photos import check_photos
from flux_assets.commands.checks.store import check_store, judge_clock, judge_store
from flux_assets.errors import SettingsError, StoreError, StoreMismatchError, StorePermissionError
from flux_assets.image_api.request import MODEL
from flux_assets.settings import Settings, load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import ensure_store_identity
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.scripted_servers import Serve, http, open_servers
from flux_assets_tests.fixtures.shops import Shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, "001", "002")


@pytest.fixture
def serve() -> Iterable[Serve]:
    with open_servers() as serve:
        yield serve


def live(base_url: str = "http://127.0.0.1:9", key: str = "secret-key") -> Settings:
    return load_settings(
        {
            "FLUX_ASSETS_MODE": "live",
            "ONEMIN_API_KEY": key,
            "ONEMIN_BASE_URL": base_url,
            "FLUX_ASSETS_STORE": "/nowhere/store",
        }
    )


def verdicts(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.name: finding.verdict for finding in findings}


def details(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.name: finding.detail for finding in findings}


def test_a_check_that_fails_is_a_problem_and_hides_no_other() -> None:
    def fail() -> Iterable[Finding]:
        raise StoreError("s3://b", "read", "it is away")

    fine = Finding(name="fine", verdict="ok", detail="")
    assert list(run_checks({"broken": fail, "fine": lambda: [fine]})) == [
        Finding(name="broken", verdict="problem", detail="could not read s3://b: it is away"),
        fine,
    ]


# --- Mode, key and API -----------------------------------------------------------------------


def test_live_mode_says_where_pictures_are_bought_and_for_how_much() -> None:
    [mode] = check_mode(live("https://api.example.com"))
    assert (
        mode.detail == "live: pictures are bought at https://api.example.com, about 0.07 USD each"
    )


def test_the_key_is_looked_at_and_never_shown() -> None:
    [key] = check_key(live(key="secret-key"))
    assert key.verdict == "ok"
    assert "secret-key" not in key.detail


def test_a_key_that_no_header_can_carry_is_a_problem_without_its_text() -> None:
    [key] = run_checks({"key": lambda: check_key(live(key="sécret-key"))})
    assert (key.verdict, "cret-key" in key.detail) == ("problem", False)
    assert "ONEMIN_API_KEY" in key.detail


def test_sample_mode_needs_no_key_and_warns_of_one() -> None:
    assert verdicts(check_key(load_settings({}))) == {"key": "ok"}
    [warning] = check_key(load_settings({"ONEMIN_API_KEY": "a-key"}))
    assert (warning.verdict, "a-key" in warning.detail) == ("warning", False)


def test_sample_mode_asks_a_simulator_that_it_starts(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [api] = check_api(shop.settings)
    assert api.detail == f"the built-in simulator answers, {MODEL} is active"


@pytest.mark.parametrize(
    ("reply", "verdict", "told"),
    [
        (b'{"models":[{"modelId":"%s","status":"ACTIVE"}]}' % MODEL.encode(), "ok", "is active"),
        (
            b'{"models":[{"modelId":"%s","status":"DISABLED"}]}' % MODEL.encode(),
            "problem",
            "says that it is disabled",
        ),
        (b'{"models":[]}', "problem", "does not list it"),
        (b"<html>", "warning", "gives no list of models"),
    ],
)
def test_the_model_must_be_listed_as_active(
    serve: Serve, reply: bytes, verdict: str, told: str
) -> None:
    server = serve(http("200 OK", reply))
    [api] = check_api(live(server.url))
    assert (api.verdict, told in api.detail) == (verdict, True)
    assert b"secret-key" not in server.received[0]


def test_an_api_that_cannot_be_reached_or_hangs_up_is_a_problem(serve: Serve) -> None:
    [refused] = check_api(live())
    [hung_up] = check_api(live(serve(b"").url))
    assert (refused.verdict, hung_up.verdict) == ("problem", "problem")
    assert "Check ONEMIN_BASE_URL" in refused.detail


# --- Catalog, shots and overrides ------------------------------------------------------------


def test_good_inputs_are_counted(shop: Shop) -> None:
    assert details(check_inputs(shop.settings)) == {
        "catalog": "catalog.csv: generic, 2 rows, 2 products",
        "shots": "hero, wide; 4 prompts render",
        "overrides": "none",
    }


def test_rejected_rows_and_prompt_errors_are_counted_and_the_first_named(shop: Shop) -> None:
    shop.set_product("001", color="")
    for number in range(5):
        shop.set_product(f"1{number}", title="")
    findings = list(check_inputs(shop.settings))
    assert verdicts(findings) == {"catalog": "warning", "shots": "warning", "overrides": "ok"}
    told = details(findings)
    assert "5 rejected rows: line 4, title: " in told["catalog"]
    assert told["catalog"].endswith("; and 2 more")
    assert "3 prompts render, 1 do not: product '001', shot 'wide'" in told["shots"]


def test_shots_of_which_no_prompt_renders_are_a_problem(shop: Shop) -> None:
    shop.write_shots("shots:\n  hero:\n    prompt: '{{ material }}'\n")
    assert verdicts(check_inputs(shop.settings))["shots"] == "problem"


def test_overrides_that_cannot_be_used_are_named_by_line(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "overrides.csv").write_text("product_id,shot,take\n001,,none\n009,,2\n")
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
    found = {finding.name: finding for finding in check_inputs(shop.settings)}["overrides"]
    assert found.verdict == "warning"
    assert "line 2, take" in found.detail
    assert "line 3, product_id: there is no product_id '009'" in found.detail


def test_one_missing_file_hides_no_other(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "catalog.csv").unlink()
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "no-overrides.csv"
    assert verdicts(check_inputs(shop.settings)) == {
        "catalog": "problem",
        "shots": "warning",
        "overrides": "problem",
    }
    (tmp_path / "shots.yaml").unlink()
    assert verdicts(check_inputs(shop.settings))["shots"] == "problem"


def test_many_products_are_a_warning_until_they_are_spread_over_buckets(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "partitions" not in verdicts(check_inputs(shop.settings))
    monkeypatch.setattr("flux_assets.storage.buckets.MANY_PRODUCTS", 1)
    found = list(check_inputs(shop.settings))
    assert verdicts(found)["partitions"] == "warning"
    assert "2 products are 2 partitions of each shot" in details(found)["partitions"]
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "bucket"
    assert "partitions" not in verdicts(check_inputs(shop.settings))


# --- Photos ----------------------------------------------------------------------------------

_EDITS = """
shots:
  scene: {mode: edit, source: photo, only_if: photo, prompt: "This {{ title }} on a table"}
"""


def _add_photos(shop: Shop, **names: str) -> None:
    Image.new("RGB", (40, 30), "teal").save(shop.folder / "mug.jpg")
    (shop.folder / "page.jpg").write_text("<html>not here</html>", "utf-8")
    rows = "".join(f"{product_id},Mug,{name}\n" for product_id, name in names.items())
    (shop.folder / "catalog.csv").write_text(f"product_id,title,photo\n{rows}", "utf-8")
    shop.write_shots(_EDITS)


def test_without_a_shot_that_edits_photos_nothing_is_said_of_them(shop: Shop) -> None:
    assert list(check_photos(shop.settings)) == []


def test_without_opencv_it_is_said_where_photos_are_edited(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert list(check_photos(shop.settings)) == []
    _add_photos(shop, a="mug.jpg", b="")
    photos, recognition = check_photos(shop.settings)
    assert photos.verdict == "ok"
    assert (recognition.name, recognition.verdict) == ("recognition", "warning")
    assert "pip install 'flux-assets[recognition]'" in recognition.detail


def test_photos_that_can_be_edited_are_fine_and_nothing_is_kept(shop: Shop) -> None:
    _add_photos(shop, a="mug.jpg", b="")
    [found] = check_photos(shop.settings)
    assert (found.verdict, found.detail) == ("ok", "1 of the first 1 photos can be edited")
    assert not (shop.folder / "store").exists()


def test_a_photo_that_cannot_be_edited_is_a_warning_that_names_it(shop: Shop) -> None:
    _add_photos(shop, a="mug.jpg", b="page.jpg", c="gone.jpg", d="http://127.0.0.1:9/a.jpg")
    [found] = check_photos(shop.settings)
    assert found.verdict == "warning"
    assert found.detail.startswith("1 of the first 4 photos can be edited: page.jpg: ")
    assert "HTML page" in found.detail


def test_a_catalog_without_any_photo_is_a_warning(shop: Shop) -> None:
    _add_photos(shop, a="", b="")
    [found] = check_photos(shop.settings)
    assert (found.verdict, "source" in found.detail) == ("warning", True)


# --- Store and clock -------------------------------------------------------------------------

STORE_CHECKS = ["put", "get", "list", "conditional create", "conditional change"]


def test_a_new_store_passes_and_stays_unmarked(shop: Shop) -> None:
    findings = list(check_store(shop.settings, "check-1"))
    assert [finding.name for finding in findings] == [
        "store",
        *(f"store {name}" for name in STORE_CHECKS),
        "clock",
    ]
    assert set(verdicts(findings).values()) == {"ok"}
    assert [info.key for info in shop.store.list("store.json")] == []


def test_any_store_passes(any_store: ObjectStore, shop: Shop) -> None:
    findings = list(judge_store(shop.settings, any_store, "check-1"))
    assert [finding for finding in findings if finding.verdict != "ok"] == []


def test_a_store_that_ignores_conditions_is_a_problem(
    careless_store: ObjectStore, shop: Shop
) -> None:
    found = verdicts(judge_store(shop.settings, careless_store, "check-1"))
    assert [name for name in found if found[name] == "problem"] == [
        "store conditional create",
        "store conditional change",
    ]


def test_a_store_of_another_mode_is_refused_and_left_alone(shop: Shop) -> None:
    ensure_store_identity(shop.store, mode="live", api_origin="https://x", shop=None)
    with pytest.raises(StoreMismatchError, match="made for mode 'live'"):
        list(judge_store(shop.settings, shop.store, "check-1"))
    assert [info.key for info in shop.store.list("")] == ["store.json"]


def test_a_store_that_may_not_be_read_is_tried_for_the_rest(shop: Shop) -> None:
    store = HookedStore(shop.store)

    def forbid(operation: str, key: str) -> None:
        if operation == "get":
            raise StorePermissionError(key, "read", "s3:GetObject is missing")

    store.before = forbid
    found = verdicts(judge_store(shop.settings, store, "check-1"))
    assert [name for name in found if found[name] == "problem"] == ["store", "store get"]


@pytest.mark.parametrize(
    ("skew", "verdict", "told"),
    [
        (timedelta(), "ok", "s from the store's"),
        (timedelta(hours=-1), "warning", "s ahead of the store's"),
        (timedelta(hours=1), "warning", "s behind the store's"),
    ],
)
def test_a_clock_far_from_the_stores_is_a_warning(
    tmp_path: Path, skew: timedelta, verdict: str, told: str
) -> None:
    store = HookedStore(DirectoryStore(tmp_path))
    store.skew = skew
    clock = judge_clock(store, datetime.now(UTC))
    assert (clock.verdict, told in clock.detail) == (verdict, True)


def test_an_unknown_kind_of_store_is_named() -> None:
    settings = live().model_copy(update={"store": "gs://bucket"})
    with pytest.raises(SettingsError, match="FLUX_ASSETS_STORE"):
        list(check_store(settings, "check-1"))
