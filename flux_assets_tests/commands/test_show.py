"""`flux-assets show`, as a person and a program ask for a product."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flux_assets.catalog.offers import read_offers
from flux_assets.commands.calling import EX_USAGE
from flux_assets.commands.looking import NoStoreError, open_made
from flux_assets.manifest.rows import COLUMNS
from flux_assets.publishing.channel_editions import publish_channels
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import decide
from flux_assets.publishing.renditions import refresh_renditions
from flux_assets.settings import load_settings
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import ensure_store_identity
from flux_assets_tests.fixtures.command_line import Workplace
from flux_assets_tests.fixtures.last_refresh import leave_tables
from flux_assets_tests.fixtures.masters import GOOGLE_CHANNELS, TERMS, draw_product, store_masters
from flux_assets_tests.fixtures.purchases import build_ledger
from flux_assets_tests.fixtures.records import make_request
from flux_assets_tests.fixtures.shops import FAST, Shop
from flux_assets_tests.fixtures.stored_pictures import buy, key_of
from flux_assets_tests.fixtures.stores import store_environ

OVERRIDES = {"FLUX_ASSETS_OVERRIDES": "overrides.csv"}
DAGSTER_LOADED = """
import sys
from flux_assets.commands.main import main
sys.argv = ["flux-assets", *sys.argv[1:]]
main()
print([it for it in sys.modules if it.partition(".")[0] == "dagster"], file=sys.stderr)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two products: Google shows all of A1, of which one picture is rejected; B2 has none."""
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path, "A1", "B2")
    store = shop.store
    ensure_store_identity(store, mode="sample", api_origin="simulator", shop=None)
    pictures = {("A1", "hero"): draw_product("navy"), ("A1", "wide"): draw_product("red")}
    records = store_masters(store, pictures)
    channels = read_channels(GOOGLE_CHANNELS, "channels.yaml")
    refresh_renditions(store, channels)
    export = (shop.folder / "catalog.csv").read_bytes()
    publish_channels(store, channels, read_offers(export, "catalog.csv"), TERMS)
    wide = records["A1", "wide"]
    wish = Wish(
        fingerprint=wide.request_fingerprint,
        sha256=wide.sha256,
        verdict="rejected",
        seen_revision=0,
        reasons=("artefact",),
        note="two backs",
    )
    decide(store, [wish], by="ada", via="test")
    refused = shop.requests()["B2", "hero"]
    ledger = build_ledger(store)
    ledger.record_refused(ledger.claim(refused, None), "moderated")
    (tmp_path / "overrides.csv").write_text("product_id,shot,take\nA1,wide,2\n")
    leave_tables(shop)
    return shop


@pytest.fixture
def workplace(shop: Shop) -> Workplace:
    return Workplace(folder=shop.folder)


def lines_of(text: str) -> dict[str, str]:
    """The facts of the only shot that is shown, by their labels."""
    shot = text.split("\n\n")[1]
    return {line[4:15].strip(): line[16:] for line in shot.splitlines()[1:] if line[4:15].strip()}


def test_a_person_sees_the_picture_its_decision_and_where_it_is_shown(workplace: Workplace) -> None:
    done = workplace.run("show", "A1", "--shots", "wide", **FAST, **OVERRIDES)
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("A1  Chair A1\n  catalog     line 2\n  category    Chairs\n")
    told = lines_of(done.stdout)
    assert told["status"] == "changed (prompt, aspect_ratio, take): the next refresh buys it anew"
    assert told["override"] == "line 2: take 2; the next refresh follows it"
    assert told["picture"].startswith(f"{workplace.folder}/store/images/wide/A1/")
    assert told["decision"].startswith("rejected by ada, ")
    assert told["decision"].endswith(": artefact; two backs")
    assert told["google"] == "shows it as additional since edition 1"
    assert "hero" not in done.stdout


def test_what_waits_for_a_person_is_told_with_the_way_out(shop: Shop, workplace: Workplace) -> None:
    done = workplace.run("show", "B2", "--shots", "hero", **FAST)
    told = lines_of(done.stdout)
    assert told["status"] == "refused: moderated"
    assert told["ledger"].startswith("refused, sent once, ")
    start = shop.requests()["B2", "hero"].fingerprint[:16]
    assert told["send again"] == f"flux-assets ledger release {start}"
    assert "google      edition 1 does not show it" in done.stdout


def test_a_program_gets_one_object_with_the_manifest_s_names(workplace: Workplace) -> None:
    review = {"FLUX_ASSETS_REVIEW_URL": "https://pictures.example.com"}
    done = workplace.run("show", "A1", "B2", "--json", **FAST, **OVERRIDES, **review)
    assert done.json["store"] == f"{workplace.folder}/store"
    first, second = done.json["products"]
    assert list(first) == [
        *("product_id", "title", "category", "in_catalog", "line", "former_ids", "bucket"),
        *("rejected_rows", "editions", "shots"),
    ]
    assert (first["editions"], second["bucket"]) == ({"google": 1}, None)
    hero, wide = first["shots"]
    assert list(hero) == [
        *("shot", "status", "reason", "picture", "in_manifest", "asked", "ledger", "override"),
        *("decision", "renditions", "published", "review"),
    ]
    assert list(hero["picture"]) == list(COLUMNS)
    assert hero["picture"]["recognition"] is None
    assert hero["review"] == "https://pictures.example.com/#product=A1&shot=hero"
    assert hero["published"][0]["slot"] == "main"
    assert hero["renditions"][0]["profile"] == "big"
    assert (wide["decision"]["verdict"], wide["override"]["take"]) == ("rejected", 2)
    refused = second["shots"][0]
    assert (refused["picture"], refused["status"]) == (None, "refused")
    assert refused["ledger"] | {"when": "", "run_id": ""} == {
        "state": "refused",
        "waits_as": "refused",
        "sends": 1,
        "possibly_paid_twice": 0,
        "when": "",
        "reason": "moderated",
        "uuid": "",
        "run_id": "",
    }


def test_in_bucket_mode_the_bucket_is_named(workplace: Workplace) -> None:
    in_buckets = {"FLUX_ASSETS_PARTITION_BY": "bucket"}
    assert (
        f"  bucket      {bucket_of('A1')}\n"
        in workplace.run("show", "A1", **FAST, **in_buckets).stdout
    )
    plain = workplace.run("show", "A1", "--json", **FAST, **in_buckets).json
    assert plain["products"][0]["bucket"] == bucket_of("A1")


def test_a_terminal_breaks_no_address_and_nothing_else_is_wider(workplace: Workplace) -> None:
    done = workplace.run_at_terminal("show", "A1", columns=80, output=None, **FAST)
    assert done.exit_code == 0
    lines = done.stderr.splitlines()
    assert {line.split()[0] for line in lines if len(line) > 80} == {"picture"}
    assert "                anew" in lines, "what goes on stands below where it began"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a11",), "nothing is known of 'a11'"),
        (("A1", "C3", "D4"), "nothing is known of 'C3', 'D4'"),
        (("A1", "--shots", "hro"), "Near 'hro': hero"),
        (("a1",), "Near 'a1': A1."),
    ],
    ids=lambda it: " ".join(it) if isinstance(it, tuple) else "",
)
def test_what_there_is_not_is_an_error_with_what_is_near_and_nothing_is_shown(
    workplace: Workplace, arguments: tuple[str, ...], told: str
) -> None:
    done = workplace.run("show", *arguments, **FAST)
    assert (done.exit_code, done.stdout) == (1, "")
    assert told in done.stderr


def test_a_store_is_opened_where_it_was_made_and_nowhere_else(
    any_store: ObjectStore, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = store_environ(any_store, request)
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    settings = load_settings(environ | {"FLUX_ASSETS_STORE": any_store.uri})
    with pytest.raises(NoStoreError, match="there is no store at"):
        open_made(settings)
    ensure_store_identity(any_store, mode="sample", api_origin="simulator", shop=None)
    buy(any_store, make_request())
    [picture] = open_made(settings).list_keys("images/")
    assert picture == key_of(make_request())


def test_without_a_product_the_command_is_not_understood(workplace: Workplace) -> None:
    assert workplace.run("show", **FAST).exit_code == EX_USAGE


def test_a_product_is_shown_without_dagster_and_nothing_is_written(workplace: Workplace) -> None:
    before = sorted(path for path in workplace.folder.rglob("*") if path.is_file())
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", DAGSTER_LOADED, "show", "A1", "--json"],
        cwd=workplace.folder,
        env=workplace.environ(FAST),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["products"][0]["product_id"] == "A1"
    assert done.stderr == "[]\n"
    assert sorted(path for path in workplace.folder.rglob("*") if path.is_file()) == before
