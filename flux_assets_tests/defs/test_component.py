"""`flux_assets.CatalogImages` in somebody's own project, loaded and run in this process."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster
import dagster as dg
import pytest
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox
from dagster.components.testing.utils import component_defs

import flux_assets
from flux_assets.defs.component import CatalogImages
from flux_assets.defs.never_committed import find_committed
from flux_assets.settings import Settings
from flux_assets.storage.buckets import BUCKETS
from flux_assets_tests.fixtures.components import TYPE, Project, open_project
from flux_assets_tests.fixtures.masters import CHANNELS
from flux_assets_tests.fixtures.neighbours import DOWN

# Dagster's components are in beta, and read a defs.yaml with what pydantic deprecates.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{kind}")
    for kind in (
        "dagster_shared.utils.warnings.BetaWarning",
        "dagster_shared.utils.warnings.PreviewWarning",
        "pydantic.warnings.PydanticDeprecatedSince20",
    )
]

_FILES = {"catalog": "csv", "shots": "yaml"}
TABLES = {"product_catalog", "image_requests", "image_plan", "refreshed_images", "image_manifest"}
_NEIGHBOURS = (
    DOWN
    + """

@dg.asset
def product_catalog() -> int:
    return 1


@dg.asset
def generate_shard() -> int:
    return 2


defs = dg.Definitions(
    assets=[product_catalog, generate_shard], resources={"io_manager": Down(), "store": 1}
)
"""
)


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)  # nothing may depend on where a process runs
    with open_project() as project:
        yield project


def _why_not(project: Project) -> str:
    """What is told where it cannot be loaded: Dagster shows each error's causes."""
    with pytest.raises(ComponentTreeException) as caught:
        project.specs()
    told, error = [], caught.value.__cause__
    while error is not None:
        told.append(str(error))
        error = error.__cause__
    return "\n".join(told)


def _refresh(project: Project, job: str) -> dict[str, int]:
    """How many pictures came to what, in a run of the whole job."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = project.load().resolve_job_def(job).execute_in_process(instance=instance)
    [node] = [name for name in result.job_def.graph.node_dict if name.endswith("refreshed_images")]
    counts = result.output_for_node(node)["counts"]
    return {name: count for name, count in counts.items() if count}


def test_a_shop_runs_as_a_sample_with_nothing_configured_and_keeps_all_in_its_project(
    project: Project, tmp_path: Path
) -> None:
    folder = project.add()
    assert _refresh(project, "refresh_catalog_images") == {"generated": 4}
    assert _refresh(project, "refresh_catalog_images") == {"reused": 4}
    state = project.root / ".flux_assets"
    assert len(list(state.glob("store/images/*/*/*.png"))) == 4
    assert (state / "simulator" / "bill.jsonl").exists()
    assert {path.name for path in folder.iterdir()} == {"catalog.csv", "shots.yaml", "defs.yaml"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_two_shops_run_beside_a_neighbours_io_manager_and_assets_of_the_same_names(
    project: Project,
) -> None:
    project.add("shoes", shop="shoes")
    project.add("bags", shop="bags", catalog="own.csv")
    (project.defs / "bags" / "catalog.csv").rename(project.defs / "bags" / "own.csv")
    (project.defs / "neighbours.py").write_text(_NEIGHBOURS)
    pictures = {f"{shop}/images/{shot}" for shop in ("shoes", "bags") for shot in ("hero", "wide")}
    tables = {f"{shop}/{name}" for shop in ("shoes", "bags") for name in TABLES}
    assert set(project.specs()) == pictures | tables | {"product_catalog", "generate_shard"}
    for shop in ("shoes", "bags"):
        assert _refresh(project, f"{shop}_refresh_catalog_images") == {"generated": 4}
        stored = project.root.glob(f".flux_assets/store/{shop}/images/*/*/*.png")
        assert len(list(stored)) == 4


@pytest.mark.slow
def test_two_shops_of_one_project_publish_each_its_own(project: Project) -> None:
    feeds = {}
    for shop in ("shoes", "bags"):
        folder = project.add(shop, shop=shop, channels="channels.yaml")
        (folder / "channels.yaml").write_text(CHANNELS)
        assert _refresh(project, f"{shop}_refresh_catalog_images") == {"generated": 4}
        published = project.root / ".flux_assets/store" / shop / "publishing"
        feeds[shop] = {path: path.read_bytes() for path in published.glob("feeds/*.*")}
        assert feeds[shop]
        assert list(published.glob("renditions/*/*/*.*"))
        assert (published / "gallery" / "index.html").exists()
    loaded = project.load()
    with dg.DagsterInstance.ephemeral() as instance:
        job = loaded.resolve_job_def("bags_publish_feeds")
        assert job.execute_in_process(instance=instance).success
    for files in feeds.values():
        assert files == {path: path.read_bytes() for path in files}
    sensors = {it.name for it in loaded.sensors or ()}
    assert {"shoes_decision_sensor", "bags_decision_sensor"} <= sensors


@pytest.mark.parametrize("attributes", [{}, {"shop": "shoes"}])
def test_two_that_are_one_shop_are_told_apart_by_name_and_line(
    project: Project, attributes: dict[str, str]
) -> None:
    for name in ("first", "second"):
        project.add(name, **attributes)
    told = _why_not(project)
    assert "attributes.shop: " in told
    assert "give each of them a `shop` of its own" in told
    assert "first/defs.yaml" in told
    assert "second/defs.yaml" in told


def test_it_can_be_built_by_itself_as_tests_do(project: Project) -> None:
    folder = project.add()
    attributes = {name: str(folder / f"{name}.{end}") for name, end in _FILES.items()}
    component = CatalogImages.from_attributes_dict(attributes=attributes)
    keys = component_defs(component=component).resolve_asset_graph().get_all_asset_keys()
    assert dg.AssetKey(["images", "hero"]) in keys


def test_its_attributes_are_the_settings_each_typed_and_described() -> None:
    properties = CatalogImages.get_model_cls().model_json_schema()["properties"]
    assert set(Settings.model_fields) <= set(properties)
    assert all(it["description"] for it in properties.values())
    limit = properties["max_images_per_run"]
    assert limit["anyOf"][0] == {"minimum": 0, "type": "integer"}
    assert limit["default"] == 500
    assert properties["mode"]["anyOf"][0]["enum"] == ["sample", "live"]
    for name, it in properties.items():
        assert "FLUX_ASSETS_" not in it["description"], name
    for secret in ("onemin_api_key", "alert_webhook", "catalog_header", "rate_limiter"):
        assert "env" in properties[secret]["pattern"]


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ("  max_in_flight: 0", "max_in_flight"),
        ("  max_in_flight: many", "max_in_flight"),
        ("  max_images: 5", "max_images"),
        ("  mode: lively", "mode"),
        ("  result_hosts: {a: b}", "result_hosts"),
        ("  shop: Shoes!", "takes lower-case letters"),
        ("  refresh_cron: at night", "is no cron expression"),
        ("  mode: live", "is required when mode is live"),
        ("  owners: [nobody]", "owner"),
        ('  tags: {"a b!": c}', "tag"),
        ("  translation: {partitions_def: {type: static, partition_keys: [a]}}", "partitions_def"),
        ('  max_in_flight: "{{ nothing }}"', "nothing"),
        ('  store: "st\\ud83d"', "has half a character"),
        ("  s3_put_args: {Bucket: other}", "may not hold Bucket"),
    ],
)
def test_a_bad_attribute_is_told_with_file_line_and_field(
    project: Project, attributes: str, told: str
) -> None:
    project.add()
    project.write("pictures", f"type: {TYPE}\n\nattributes:\n  timezone: UTC\n{attributes}\n")
    text = _why_not(project)
    field = attributes.split(":", maxsplit=1)[0].strip()
    assert told in text
    assert field in text or told == "is required when mode is live"
    assert "defs.yaml:5" in text or "line 5" in text or "live" in told


SECRETS = ("onemin_api_key", "alert_webhook", "catalog_header", "rate_limiter", "celery_broker")


@pytest.mark.parametrize("field", SECRETS)
@pytest.mark.parametrize(
    "text",
    [
        "sk-0123456789",
        "{{ 'sk-0123456789' }}",
        "sk-{{ env.PART }}0123456789",
        "{{ env('KEY', 'sk-0123456789') }}",
        "{{ env.KEY or 'sk-0123456789' }}",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_told(
    project: Project, field: str, text: str
) -> None:
    project.add(**{field: text})
    message = _why_not(project)
    assert "a secret never stands in this file" in message
    assert f"attributes.{field}" in message
    assert "defs.yaml, line" in message
    assert "0123456789" not in message


@pytest.mark.parametrize(
    "text", ["{{ env.OUR_KEY }}", "{{env('OUR_KEY')}}", '{{ env("OUR_KEY") }}']
)
def test_a_secret_comes_from_the_environment_as_it_stands_there(
    project: Project, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("OUR_KEY", "0017e3\n")
    project.add(mode="live", store="/pictures", onemin_api_key=text)
    with project._sandbox.load_component_and_build_defs(project.defs / "pictures") as (found, _):
        assert found.settings.onemin_api_key.get_secret_value() == "0017e3"
        assert found.settings.is_sample is False
    monkeypatch.delenv("OUR_KEY")
    assert "onemin_api_key: is required when mode is live" in _why_not(project)


def test_the_environments_own_settings_do_not_leak_into_a_component(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"MODE": "live", "STORE": "s3://others/store", "SHOP": "others", "NO_SUCH": "x"}
    for name, text in environ.items():
        monkeypatch.setenv(f"FLUX_ASSETS_{name}", text)
    project.add(requests_per_minute="{{ env('RPM', '77') }}", result_hosts="{{ env.HOSTS }}")
    monkeypatch.setenv("HOSTS", "a.example, b.example")
    with project._sandbox.load_component_and_build_defs(project.defs / "pictures") as (found, _):
        assert found.settings.is_sample
        assert found.settings.shop is None
        assert found.settings.requests_per_minute == 77
        assert found.settings.result_hosts == ("a.example", "b.example")
        assert found.settings.store == str(project.root / ".flux_assets" / "store")


def test_paths_start_from_the_folder_of_the_file(project: Project) -> None:
    folder = project.add(overrides="../ours/overrides.csv", store="pictures")
    with project._sandbox.load_component_and_build_defs(folder) as (found, _):
        assert found.settings.catalog == str(folder / "catalog.csv")
        assert found.settings.overrides == str(project.defs / "ours" / "overrides.csv")
        assert found.settings.store == str(folder / "pictures")


def test_prefix_group_owners_tags_kinds_automation_and_partitions_name_can_be_set(
    project: Project,
) -> None:
    is_first = dagster.__version__ == "1.12.0"  # whose templates know no `dg`
    condition = "automation_condition" if is_first else "dg.AutomationCondition"
    project.add(
        shop="shoes",
        key_prefix=["marketing", "eu"],
        partitions_name="articles",
        group_name="pictures",
        owners=["team:brand"],
        tags={"cost": "images", "tier": 1},
        kinds=["flux"],
        automation_condition=f"{{{{ {condition}.on_cron('0 3 * * *') }}}}",
    )
    specs = project.specs()
    prefix = "marketing/eu/shoes"
    assert set(specs) == {f"{prefix}/{name}" for name in (*TABLES, "images/hero", "images/wide")}
    for key, spec in specs.items():
        assert spec.group_name == "pictures"
        assert spec.owners == ["team:brand"]
        assert spec.tags["cost"] == "images"
        assert spec.tags["tier"] == "1"
        assert spec.kinds == {"flux"}
        assert (spec.automation_condition is None) == ("/images/" in key)
    hero = specs[f"{prefix}/images/hero"].partitions_def
    assert isinstance(hero, dg.DynamicPartitionsDefinition)
    assert hero.name == "articles"

    assert _refresh(project, "shoes_refresh_catalog_images") == {"generated": 4}
    store = project.root / ".flux_assets" / "store" / "shoes"
    assert (store / "tables" / "image_plan.parquet").exists(), "the store's keys stay as they are"


@pytest.mark.slow
def test_partitions_can_be_buckets(project: Project) -> None:
    project.add(partition_by="bucket")
    hero = project.specs()["images/hero"].partitions_def
    assert isinstance(hero, dg.StaticPartitionsDefinition)
    assert tuple(hero.get_partition_keys()) == BUCKETS
    assert _refresh(project, "refresh_catalog_images") == {"generated": 4}


@pytest.mark.parametrize(
    ("translation", "hero", "plan"),
    [
        pytest.param(
            {"key_prefix": "marketing"},
            "marketing/images/hero",
            "marketing/image_plan",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"key": "x/{{ name | replace('/', '_') }}"},
            "x/images_hero",
            "x/image_plan",
            marks=pytest.mark.slow,
        ),
        (
            {"key": "{{ 'photos/of_' ~ shot if shot else spec.key.to_user_string() }}"},
            "photos/of_hero",
            "image_plan",
        ),
    ],
)
def test_translation_names_assets_and_all_that_is_logged_follows(
    project: Project, translation: dict[str, Any], hero: str, plan: str
) -> None:
    description = "{{ 'Of ' ~ name }}"
    project.add(translation={**translation, "description": description, "tags": {"a": "b"}})
    specs = project.specs()
    assert specs[hero].description == "Of images/hero"
    assert specs[plan].description == "Of image_plan"
    assert specs[plan].tags["a"] == "b"
    with dg.DagsterInstance.ephemeral() as instance:
        job = project.load().resolve_job_def("refresh_catalog_images")
        assert job.execute_in_process(instance=instance).success
        key = dg.AssetKey.from_user_string(hero)
        assert instance.get_materialized_partitions(key) == {"001", "002"}
    store = project.root / ".flux_assets" / "store"
    assert (store / "tables" / "image_plan.parquet").exists()


def test_post_processing_works_as_with_any_component(project: Project) -> None:
    project.add()
    attributes = {"tags": {"domain": "pictures"}, "group_name": "brand"}
    project.write(
        "pictures",
        {
            "type": TYPE,
            "post_processing": {
                "assets": [{"target": "key:images/hero", "attributes": attributes}]
            },
        },
    )
    specs = project.specs()
    assert specs["images/hero"].group_name == "brand"
    assert specs["images/hero"].tags["domain"] == "pictures"
    assert specs["images/wide"].group_name == "images"


def test_a_bad_shots_file_of_one_shop_leaves_the_other_and_the_neighbour_standing(
    project: Project,
) -> None:
    project.add("shoes", shop="shoes")
    (project.add("bags", shop="bags") / "shots.yaml").unlink()
    specs = project.specs()
    assert "bags/images/hero" not in specs
    assert "shots.yaml" in (specs["bags/image_plan"].description or "")
    assert "CANNOT" not in (specs["shoes/images/hero"].description or "")


def test_what_is_scaffolded_loads_and_a_second_one_gets_a_shop_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with create_defs_folder_sandbox() as sandbox:
        for name in ("pictures", "Summer Bags"):
            folder = sandbox.scaffold_component(CatalogImages, defs_path=name)
            names = {path.name for path in folder.iterdir()}
            assert names == {"defs.yaml", "catalog.csv", "channels.yaml", "shots.yaml", "photos"}
        assert (sandbox.project_root / "dagster.yaml").exists()
        assert find_committed(sandbox.project_root) == []
        text = (folder / "defs.yaml").read_text()
        assert text.startswith(f"type: {TYPE}\n")
        assert "shop: summer_bags" in text
        with sandbox.build_all_defs() as definitions:
            keys = definitions.resolve_asset_graph().get_all_asset_keys()
        assert dg.AssetKey(["summer_bags", "images", "hero"]) in keys
        assert dg.AssetKey(["images", "hero"]) in keys


def test_it_can_be_scaffolded_as_python_and_leaves_what_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with create_defs_folder_sandbox() as sandbox:
        (sandbox.defs_folder_path / "bags").mkdir()
        (sandbox.defs_folder_path / "bags" / "shots.yaml").write_text("shots: {a: {prompt: b}}")
        sandbox.scaffold_component(
            CatalogImages,
            defs_path="bags",
            scaffold_format="python",
            scaffold_params={"shop": "bags"},
        )
        with sandbox.build_all_defs() as definitions:
            keys = definitions.resolve_asset_graph().get_all_asset_keys()
        assert dg.AssetKey(["bags", "images", "a"]) in keys
        assert not (sandbox.project_root / "dagster.yaml").exists()


def test_what_the_projects_own_gitignore_lacks_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.project_root / ".gitignore"
        path.write_text("__pycache__/\n.env\n", "utf-8")
        sandbox.scaffold_component(CatalogImages, defs_path="bags")
        assert path.read_text("utf-8") == "__pycache__/\n.env\n"
        assert f"would commit .flux_assets/: put that into {path}.\n" in capsys.readouterr().out


def test_asking_the_package_for_it_is_what_loads_dagster() -> None:
    assert flux_assets.CatalogImages is CatalogImages
    assert "CatalogImages" in dir(flux_assets)
    with pytest.raises(AttributeError, match="no attribute 'Catalog'"):
        flux_assets.Catalog  # noqa: B018
    assert "FLUX_ASSETS_STORE" not in os.environ
