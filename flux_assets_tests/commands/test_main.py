import json
from pathlib import Path

import dagster as dg
import pytest
import yaml

from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.publishing.mark import read_mark
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace, standalone_simulator

IMAGES_PER_DEMO = 75


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


def test_the_demo_makes_every_picture_and_a_second_one_buys_nothing(workplace: Workplace) -> None:
    first = workplace.run("demo", FLUX_ASSETS_PUBLIC_URL="https://cdn.example")
    assert first.exit_code == 0, first.stderr
    assert len(workplace.pictures()) == IMAGES_PER_DEMO
    assert "samples: nothing was paid" in first.stdout
    entries = [json.loads(path.read_text()) for path in workplace.store.glob("ledger/*/*.json")]
    assert len(entries) == IMAGES_PER_DEMO
    assert {entry["state"] for entry in entries} == {"stored"}
    assert all(entry["lineage"]["uuid"] for entry in entries)
    said = [Path(line) for line in first.stdout.splitlines() if "/publishing/" in line]
    feeds, (rendition,) = said[:-1], said[-1:]
    assert {path.name for path in feeds} >= {"shopify.csv", "shopify.jsonl"}
    assert read_mark(rendition.read_bytes()) == "trainedAlgorithmicMedia"
    texts = [path.read_text("utf-8") for path in workplace.store.glob("publishing/feeds/*.*")]
    assert any("https://pictures.invalid/publishing/renditions/" in text for text in texts)
    assert not any("cdn.example" in text for text in texts)
    made = [*workplace.pictures(), *workplace.store.glob("publishing/**/*.*")]
    before = {path: path.stat().st_mtime_ns for path in made}
    with dg.DagsterInstance.from_config(str(workplace.folder / ".flux_assets/dagster")) as dagster:
        [run] = dagster.get_runs()
        assert run.remote_job_origin is not None, "so that it stands on the UI's timeline"
        assert run.remote_job_origin.location_name == "flux_assets"

    second = workplace.run("demo")

    assert second.exit_code == 0
    assert "Nothing was bought: every picture was there already." in second.stdout
    found = [*workplace.pictures(), *workplace.store.glob("publishing/**/*.*")]
    assert {path: path.stat().st_mtime_ns for path in found} == before


@pytest.mark.slow
def test_the_demo_brings_its_own_sample_into_an_empty_folder(tmp_path: Path) -> None:
    done = Workplace(folder=tmp_path).run("demo")
    assert done.exit_code == 0, done.stderr
    assert "Put the sample catalog, its shots and photos into data/." in done.stderr
    assert "FLUX_ASSETS_CHANNELS=data/channels.yaml flux-assets dev" in done.stderr
    assert len(Workplace(folder=tmp_path).pictures()) == IMAGES_PER_DEMO
    assert (tmp_path / ".gitignore").exists()
    instance = yaml.safe_load((tmp_path / ".flux_assets/dagster/dagster.yaml").read_text("utf-8"))
    assert instance["telemetry"] == {"enabled": False}


def test_the_demo_puts_nothing_where_a_catalog_is_named(tmp_path: Path) -> None:
    done = Workplace(folder=tmp_path).run("demo", FLUX_ASSETS_CATALOG="products.csv")
    assert done.exit_code == 1
    assert "no such file" in done.stderr
    assert not (tmp_path / "data").exists()


def test_plan_prints_one_json_object_and_sends_nothing(workplace: Workplace) -> None:
    planned = workplace.run("plan", "--json")
    assert planned.exit_code == 0, planned.stderr
    assert planned.json == {
        "catalog": {"dialect": "generic", "rows": 24, "products": 24, "rejected_rows": 0},
        "requests": IMAGES_PER_DEMO,
        "prompt_errors": 0,
        "override_problems": 0,
        "skipped": 21,
        "doubted_photos": 0,
        "without_picture": {"only_if": 21},
        "new": IMAGES_PER_DEMO,
        "changed": 0,
        "stored": 0,
        "accepted": 0,
        "refused": 0,
        "failed": 0,
        "held": 0,
        "lost": 0,
        "missing": 0,
        "changed_by": {},
        "orphaned": 0,
        "to_buy": IMAGES_PER_DEMO,
        "left_over_cap": 0,
        "cost_usd": 5.25,
        "minutes": pytest.approx(0.5),
        "binding_limit": "max_in_flight (96)",
        "advice": "",
        "obstacle": "",
    }
    assert not workplace.pictures()
    assert not (workplace.folder / ".flux_assets" / "simulator").exists()


@pytest.mark.slow
def test_refresh_buys_only_the_chosen_products_and_then_what_changed(
    workplace: Workplace,
) -> None:
    chosen = ("--product-ids", "00123", "--product-ids", "JWL.7/01", "--shots", "hero")
    first = workplace.run("refresh", *chosen, "--json")
    assert first.exit_code == 2, first.stderr
    assert (first.json["generated"], first.json["calls"], first.json["missing"]) == (2, 2, 73)

    limited = workplace.run("refresh", "--limit", "3", "--json")
    assert (limited.json["generated"], limited.json["reused"]) == (3, 2)
    assert (limited.exit_code, limited.json["left"]) == (0, 70)

    (workplace.folder / "ids.txt").write_text("\ufeffCL-3001\n\n OUT-12 \n", "utf-8")
    named = ("--product-ids-file", "ids.txt", "--product-ids", "00123", "--categories", "Clothing")
    assert workplace.run("plan", *named, "--json").json["to_buy"] == 3
    assert workplace.run("refresh", *named, "--json").json["calls"] == 3

    refused = workplace.run("refresh", "--max-images", "5")
    assert refused.exit_code == 1
    assert "67 pictures (about 4.69 USD) are to be bought" in refused.stderr
    assert "nothing was sent" in refused.stderr

    unknown = workplace.run("refresh", "--product-ids", "no-such-product")
    assert unknown.exit_code == 1
    assert "there is no 'no-such-product'" in unknown.stderr
    assert "Traceback" not in refused.stderr + unknown.stderr


def test_a_moderated_product_leaves_exit_code_2_and_names_itself(workplace: Workplace) -> None:
    workplace.replace_in_catalog("Aria Hoop Earrings", "Aria forbidden-word Earrings")
    done = workplace.run("refresh", "--shots", "hero")
    assert done.exit_code == 2
    assert "JWL-100, hero: refused, refused by the vendor (" in done.stdout
    assert "and 42 more: `flux-assets plan --reasons FILE`" in done.stdout

    planned = workplace.run("plan", "--shots", "hero", "--reasons", "reasons.csv")
    assert planned.exit_code == 0, planned.stderr
    [header, refused] = (workplace.folder / "reasons.csv").read_text("utf-8").splitlines()
    assert header == "product_id,shot,line,reason,message"
    assert refused.startswith("JWL-100,hero,6,refused,")
    assert len(workplace.pictures()) == 23


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"FLUX_ASSETS_MODE": "live"}, "ONEMIN_API_KEY: is required"),
        (
            {"FLUX_ASSETS_MODE": "live", "ONEMIN_API_KEY": "k"},
            "FLUX_ASSETS_STORE: is required",
        ),
        ({"FLUX_ASSETS_STEPS": "3"}, "FLUX_ASSETS_STEPS: there is no such setting"),
        ({"FLUX_ASSETS_CATALOG": "data/none.csv"}, "data/none.csv"),
        pytest.param(
            {"FLUX_ASSETS_CATALOG": "data/shots.yaml"}, "shots.yaml", marks=pytest.mark.slow
        ),
        pytest.param(
            {"FLUX_ASSETS_SHOTS": "data/catalog.csv"}, "catalog.csv", marks=pytest.mark.slow
        ),
        ({"FLUX_ASSETS_STORE": "/proc/no-store-here"}, "/proc/no-store-here"),
    ],
)
def test_a_wrong_setting_is_one_clear_error_and_exit_code_1(
    workplace: Workplace, environ: dict[str, str], said: str
) -> None:
    done = workplace.run("refresh", **environ)
    assert done.exit_code == 1
    assert said in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert "Errno" not in done.stderr, "the cause stands in the place of our own error"
    assert not workplace.pictures()


def test_a_list_of_ids_or_a_home_that_cannot_be_used_is_one_clear_error(
    workplace: Workplace,
) -> None:
    (workplace.folder / "ids.txt").write_bytes("00123\n".encode("utf-16"))
    listed = workplace.run("plan", "--product-ids-file", "ids.txt")
    assert "ids.txt is not UTF-8 text" in " ".join(listed.stderr.split())
    homeless = workplace.run("plan", DAGSTER_HOME="no/such/home")
    assert "DAGSTER_HOME: must be a folder's absolute path" in " ".join(homeless.stderr.split())
    (workplace.folder / "dagster.yaml").write_text("")
    unset = workplace.run("refresh", "--limit", "0")
    assert "dagster.yaml holds no settings" in " ".join(unset.stderr.split())
    for done in (listed, homeless, unset):
        assert done.exit_code
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_unreachable_api_is_named_and_nothing_counts_as_paid(workplace: Workplace) -> None:
    done = workplace.run(
        "refresh",
        "--limit",
        "1",
        FLUX_ASSETS_MODE="live",
        ONEMIN_API_KEY="some-key",
        ONEMIN_BASE_URL="http://127.0.0.1:9",
        FLUX_ASSETS_STORE=str(workplace.store),
        FLUX_ASSETS_CALL_TIMEOUT_SECONDS="3",
    )
    assert done.exit_code == 1
    assert "1 of 1 attempted requests failed" in done.stderr
    assert "127.0.0.1" in done.stderr
    assert "0 calls" in done.stdout


@pytest.mark.slow
def test_a_store_of_sample_pictures_is_refused_in_live_mode(workplace: Workplace) -> None:
    assert workplace.run("refresh", "--limit", "1").exit_code == 0
    with standalone_simulator(workplace) as base_url:
        done = workplace.run(
            "refresh",
            FLUX_ASSETS_MODE="live",
            ONEMIN_API_KEY="sample-key",
            ONEMIN_BASE_URL=base_url,
            FLUX_ASSETS_STORE=str(workplace.store),
        )
    assert done.exit_code == 1
    assert "was made for mode 'sample', not 'live'" in done.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    "command",
    [
        *("plan", "ledger", "verify", "prune", "reroll MUG-1 --shots hero"),
        pytest.param("refresh --limit 0", marks=pytest.mark.slow),
    ],
)
def test_every_command_warns_of_a_key_that_sample_mode_does_not_use(
    workplace: Workplace, command: str
) -> None:
    done = workplace.run(*command.split(), ONEMIN_API_KEY="a-real-key")
    assert "is set, but FLUX_ASSETS_MODE is sample" in done.stderr.replace("\n", " ")
    assert "a-real-key" not in done.stderr + done.stdout


def test_the_simulators_help_names_the_key_that_it_takes(workplace: Workplace) -> None:
    assert f"`{SAMPLE_KEY}`" in workplace.run("simulator", "--help").stdout
