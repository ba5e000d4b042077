"""The check of `product_feeds` that looks from outside, as a run makes it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.defs.names import Names
from flux_assets.defs.public_check import PUBLIC_CHECK, build_public_check
from flux_assets.defs.resources import STORE, StoreResource
from flux_assets.image_api.open_api import api_origin
from flux_assets.settings import Settings, load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.open_store import ensure_store_identity
from flux_assets_tests.fixtures.public import CHANNELS, publish_shop, saved_again, serving_files
from flux_assets_tests.fixtures.sites import Request, Serve, open_sites

NOBODY = "https://pictures.invalid"
Check = Callable[[str], dg.AssetCheckEvaluation]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as serve:
        yield serve


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def check(tmp_path: Path, root: Path) -> Check:
    """What a run of the check finds where the feeds' addresses begin like this."""
    (tmp_path / "channels.yaml").write_text(CHANNELS)
    (tmp_path / "shots.yaml").write_text("shots: {hero: {prompt: a}}")
    settings = load_settings(
        {
            "FLUX_ASSETS_STORE": str(root),
            "FLUX_ASSETS_CHANNELS": str(tmp_path / "channels.yaml"),
            "FLUX_ASSETS_SHOTS": str(tmp_path / "shots.yaml"),
        }
    )
    store = DirectoryStore(root)
    ensure_store_identity(store, mode="sample", api_origin=api_origin(settings), shop=None)

    def look(public_url: str) -> dg.AssetCheckEvaluation:
        publish_shop(store, public_url)
        return run(settings)

    return look


def run(settings: Settings) -> dg.AssetCheckEvaluation:
    names = Names()
    check = build_public_check(settings, names)
    definitions = dg.Definitions(
        assets=[dg.AssetSpec("product_feeds")],
        asset_checks=[check],
        jobs=[dg.define_asset_job("look", selection=dg.AssetSelection.checks(check))],
        resources={names.resource(STORE): StoreResource(settings)},
    )
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("look").execute_in_process(instance=instance)
        [found] = result.get_asset_check_evaluations()
    assert found.check_name == PUBLIC_CHECK
    return found


def test_files_that_come_as_they_were_made_pass(check: Check, serve: Serve, root: Path) -> None:
    found = check(serve(serving_files(root)).url)
    assert found.passed
    assert found.description == "google: 10 files of edition 1 come as they lie in the store"
    assert found.metadata["looked_at"].value == 10


@pytest.mark.parametrize(
    ("change", "severity"),
    [
        (saved_again, dg.AssetCheckSeverity.ERROR),
        (lambda it: it + b" ", dg.AssetCheckSeverity.WARN),
    ],
)
def test_a_server_that_changes_files_is_named(
    check: Check,
    serve: Serve,
    root: Path,
    change: Callable[[bytes], bytes],
    severity: dg.AssetCheckSeverity,
) -> None:
    def answer(request: Request) -> None:
        data = (root / request.path.lstrip("/")).read_bytes()
        request.give(200, change(data), Via="1.1 shop-cdn")

    found = check(serve(answer).url)
    assert (found.passed, found.severity) == (False, severity)
    assert "Via: 1.1 shop-cdn" in str(found.description)
    table = str(found.metadata["files"].value)
    assert table.count("| google | 1 | ") == 10


def test_samples_are_not_fetched(check: Check) -> None:
    found = check(NOBODY)
    assert found.passed
    assert "sample pictures" in str(found.description)
    assert found.metadata["looked_at"].value == 0


def test_a_proxy_that_answers_nobody_is_a_warning(check: Check) -> None:
    found = check("http://127.0.0.1:9")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
