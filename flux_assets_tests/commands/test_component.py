"""Commands that act on what a `defs.yaml` says, not on the environment."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from flux_assets.commands.component import base_folder, find_component, find_names, find_settings
from flux_assets.commands.main import cli
from flux_assets.defs.component_files import read_component
from flux_assets.defs.component_values import ComponentError
from flux_assets_tests.fixtures.command_line import make_workplace
from flux_assets_tests.fixtures.components import FAST, TYPE
from flux_assets_tests.fixtures.shops import Shop

_PYPROJECT = '[tool.dg.project]\nroot_module = "mine"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(_PYPROJECT)
    return tmp_path


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What commands take over from a project's `.env` does not outlast the test."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        monkeypatch.delenv(name)


def add(project: Path, name: str, **attributes: object) -> Path:
    folder = project / "src" / "mine" / "defs" / name
    folder.mkdir(parents=True)
    Shop(folder, "001", "002")
    document = {"type": TYPE, "attributes": {**FAST, **attributes}}
    (folder / "defs.yaml").write_text(json.dumps(document))  # which is YAML, too
    return folder


def test_the_only_shop_of_the_project_around_is_found_from_any_of_its_folders(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add(project, "pictures", shop="shoes", key_prefix="marketing")
    (project / "elsewhere").mkdir()
    for place in (project, folder, project / "elsewhere"):
        monkeypatch.chdir(place)
        settings = find_settings()
        assert settings.shop == "shoes"
        assert settings.catalog == str(folder / "catalog.csv")
        assert settings.store == str(project / ".flux_assets" / "store")
        assert base_folder() == project
        names = find_names(settings)
        assert names.key("images", "hero").path == ["marketing", "shoes", "images", "hero"]


def test_of_several_one_is_named_or_is_where_the_command_is_started(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(project, "shoes", shop="shoes")
    bags = add(project, "bags", shop="bags")
    monkeypatch.chdir(bags)
    assert find_settings().shop == "bags"
    monkeypatch.chdir(project)
    with pytest.raises(click.UsageError) as caught:
        find_settings()
    assert "--component" in str(caught.value)
    assert "src/mine/defs/bags/defs.yaml, src/mine/defs/shoes/defs.yaml" in str(caught.value)
    with click.Context(cli) as context:
        context.params["component"] = Path("src/mine/defs/shoes/defs.yaml")
        assert find_settings().shop == "shoes"


def test_outside_of_a_project_and_in_one_without_a_shop_the_environment_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLUX_ASSETS_SHOP", "bags")
    assert find_component() is None
    (tmp_path / "pyproject.toml").write_text(_PYPROJECT)
    monkeypatch.chdir(tmp_path)
    assert find_settings().shop == "bags"


def test_the_projects_env_file_is_read_as_dg_reads_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "{{ env.OF_THE_ENV_FILE }}"
    folder = add(project, "live", mode="live", store="/pictures", onemin_api_key=key)
    (project / ".env").write_text("OF_THE_ENV_FILE=from-the-file\nALREADY_SET=file\n")
    monkeypatch.setenv("ALREADY_SET", "shell")
    monkeypatch.chdir(folder)
    found = find_settings().onemin_api_key
    assert found is not None
    assert found.get_secret_value() == "from-the-file"
    assert os.environ["ALREADY_SET"] == "shell"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"type: {TYPE}\nattributes:\n  max_in_flight: 0\n", "line 3: attributes.max_in_flight"),
        (f"type: {TYPE}\nattributes:\n  max_images: 0\n", "line 3: attributes.max_images"),
        (f"type: {TYPE}\nattributes:\n  onemin_api_key: sk-1\n", "line 3: attributes.onemin_api"),
        ("type: [", "line 1: is no YAML"),
        ("type: somebody.Elses\n", f"holds 0 components of type {TYPE}"),
        (f"type: {TYPE}\n---\ntype: {TYPE}\n", f"holds 2 components of type {TYPE}"),
    ],
)
def test_a_bad_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "defs.yaml"
    path.write_text(text)
    with pytest.raises(ComponentError) as caught:
        read_component(path)
    assert str(caught.value).startswith(str(path))
    assert told in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_a_refresh_reaches_every_step_process_with_what_the_file_says(
    tmp_path: Path, executor: str
) -> None:
    workplace = make_workplace(tmp_path)
    (workplace.folder / "pyproject.toml").write_text(_PYPROJECT)
    folder = add(workplace.folder, "shoes", shop="shoes", executor=executor, key_prefix="x")
    told = workplace.run("--component", str(folder / "defs.yaml"), "refresh", "--json")
    assert told.exit_code == 0, told.stderr
    assert told.json["generated"] == 4
    store = workplace.folder / ".flux_assets" / "store"
    assert len(list(store.glob("shoes/images/*/*/*.png"))) == 4
    assert not (store / "store.json").exists()
    assert (workplace.folder / ".flux_assets" / "dagster" / "history").is_dir()


def test_a_plan_of_the_shop_around_needs_no_flag(tmp_path: Path) -> None:
    workplace = make_workplace(tmp_path)
    (workplace.folder / "pyproject.toml").write_text(_PYPROJECT)
    add(workplace.folder, "shoes", shop="shoes")
    told = workplace.run("plan", "--json", FLUX_ASSETS_CATALOG="data/none.csv")
    assert told.exit_code == 0, told.stderr
    assert told.json["new"] == 4
