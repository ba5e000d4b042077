from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.commands.checks.finding import Finding
from flux_assets.commands.checks.public import check_public
from flux_assets.commands.checks.shown import check_shown
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace
from flux_assets_tests.fixtures.public import CHANNELS, publish_shop, saved_again, serving_files
from flux_assets_tests.fixtures.sites import Answer, Request, Serve, open_sites


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as serve:
        yield serve


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A shop with a picture, a ledger and a manifest."""
    workplace = make_workplace(tmp_path_factory.mktemp("public") / "project")
    done = workplace.run("refresh", "--limit", "1", "--shots", "hero")
    assert done.exit_code == 0, done.stderr
    return workplace


def look(workplace: Workplace, public_url: str) -> list[Finding]:
    environ = {"FLUX_ASSETS_STORE": str(workplace.store), "FLUX_ASSETS_PUBLIC_URL": public_url}
    return list(check_public(load_settings(environ)))


def publishing(store: Path, *starts: str) -> Answer:
    """A CDN over a store: it gives what lies below these prefixes."""

    def answer(request: Request) -> None:
        key = request.path.lstrip("/").removeprefix("cdn/")
        path = store / key
        if key.startswith(starts) and path.is_file():
            request.give(200, path.read_bytes())
        else:
            request.give(403)

    return answer


def shown_by(root: Path, folder: Path, public_url: str) -> dict[str, str]:
    (folder / "channels.yaml").write_text(CHANNELS)
    (folder / "shots.yaml").write_text("shots: {hero: {prompt: a}}")
    return {
        "FLUX_ASSETS_STORE": str(root),
        "FLUX_ASSETS_CHANNELS": str(folder / "channels.yaml"),
        "FLUX_ASSETS_SHOTS": str(folder / "shots.yaml"),
        "FLUX_ASSETS_PUBLIC_URL": public_url,
    }


def _read(root: Path, request: Request) -> bytes:
    return (root / request.path.lstrip("/")).read_bytes()


def test_a_cdn_over_the_pictures_alone_is_right(refreshed: Workplace, serve: Serve) -> None:
    site = serve(publishing(refreshed.store, "images/"))
    found = look(refreshed, f"{site.url}/cdn")
    assert [(finding.name, finding.verdict) for finding in found] == [
        ("public", "ok"),
        ("public picture", "ok"),
    ]
    asked = [request.path for request in site.received]
    assert "/cdn/store.json" in asked
    assert any(path.startswith("/cdn/ledger/") for path in asked)


@pytest.mark.parametrize(
    ("prefix", "shown"),
    [
        ("", "store.json, tables/image_manifest.parquet, tables/image_manifest.csv, ledger/"),
        ("ledger/", "everybody ledger/"),
        ("tables/", "everybody tables/image_manifest.parquet"),
        ("store.json", "everybody store.json:"),
    ],
)
def test_a_cdn_that_shows_more_is_a_problem(
    refreshed: Workplace, serve: Serve, prefix: str, shown: str
) -> None:
    site = serve(publishing(refreshed.store, "images/", prefix))
    (problem, picture) = look(refreshed, f"{site.url}/cdn")
    assert (problem.verdict, picture.verdict) == ("problem", "ok")
    assert shown in problem.detail
    assert "Publish only images/" in problem.detail


def test_a_page_that_answers_everything_alike_shows_nothing(
    refreshed: Workplace, serve: Serve
) -> None:
    site = serve(lambda request: request.give(200, b"<html>Welcome to our shop</html>"))
    (private, picture) = look(refreshed, site.url)
    assert private.verdict == "ok"
    assert picture.verdict == "warning"
    assert "does not give the stored picture" in picture.detail


def test_a_redirect_is_followed_as_a_browser_would(refreshed: Workplace, serve: Serve) -> None:
    site = serve(publishing(refreshed.store, ""))
    moved = serve(lambda request: request.give(301, Location=f"{site.url}{request.path}"))
    assert look(refreshed, moved.url)[0].verdict == "problem"


def test_what_cannot_be_reached_is_told(refreshed: Workplace) -> None:
    (found,) = look(refreshed, "http://127.0.0.1:9")
    assert found.verdict == "warning"
    assert found.detail.startswith("not looked at: http://127.0.0.1:9/store.json: ")
    assert "nothing answers at 127.0.0.1:9; start what should" in found.detail


def test_the_command_looks_only_when_asked(refreshed: Workplace) -> None:
    asked = refreshed.run("check", "--public", "--json")
    unasked = refreshed.run("check", "--json")
    assert "public" in [check["name"] for check in asked.json["checks"]]
    assert "public" not in [check["name"] for check in unasked.json["checks"]]


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("an edition", "publishing/feeds/google/editions/"),
        ("decisions", "publishing/decisions/"),
        ("the table of renditions", "tables/renditions.parquet"),
        ("a part of a table", "tables/parts/"),
        ("a part of the manifest's CSV", "tables/image_manifest/"),
    ],
)
def test_a_cdn_over_more_of_publishing_than_channels_read_is_a_problem(
    serve: Serve, tmp_path: Path, key: str, start: str
) -> None:
    root = tmp_path / "store"
    site = serve(serving_files(root, ("publishing/renditions/", start)))
    store = DirectoryStore(root)
    publish_shop(store, site.url)
    store.put("publishing/decisions/00.json", b"{}", content_type="application/json")
    store.put(f"tables/parts/image_plan/00-{'f' * 32}.parquet", b"PAR1", content_type="x")
    store.put("tables/image_manifest/00.csv", b"product_id", content_type="text/csv")
    [found] = check_public(load_settings(shown_by(root, tmp_path, site.url)))
    assert found.verdict == "problem", key
    assert f"shows everybody {start}" in found.detail
    assert "Publish only publishing/renditions/ and the feeds" in found.detail


def test_each_channels_files_are_looked_at(serve: Serve, tmp_path: Path) -> None:
    root = tmp_path / "store"
    site = serve(serving_files(root))
    publish_shop(DirectoryStore(root), site.url)
    settings = load_settings(shown_by(root, tmp_path, site.url))
    [found] = check_shown(settings)
    assert (found.name, found.verdict) == ("public google", "ok")
    site.answer = lambda request: request.give(200, saved_again(_read(root, request)))
    [found] = check_shown(settings)
    assert (found.verdict, "the AI mark is gone" in found.detail) == ("problem", True)
    site.answer = lambda request: request.give(200, _read(root, request) + b" ")
    [found] = check_shown(settings)
    assert found.verdict == "warning"


def test_without_channels_no_file_is_looked_at(tmp_path: Path) -> None:
    assert list(check_shown(load_settings({"FLUX_ASSETS_STORE": str(tmp_path)}))) == []


def test_the_samples_of_a_shop_are_not_fetched(refreshed: Workplace) -> None:
    on = {"FLUX_ASSETS_CHANNELS": "data/channels.yaml"}
    assert refreshed.run("publish", **on).exit_code == 0
    found = refreshed.run("check", "--public", "--json", **on)
    [shopify] = [it for it in found.json["checks"] if it["name"] == "public shopify"]
    assert shopify["verdict"] == "ok"
    assert "sample pictures, at https://pictures.invalid: not fetched" in shopify["detail"]
