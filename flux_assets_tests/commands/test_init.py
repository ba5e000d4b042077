"""The folder that `flux-assets init` lays down: it plans and buys samples as it is."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from flux_assets.commands.checks.inputs import check_inputs
from flux_assets.commands.laying_down import lay_down
from flux_assets.errors import CatalogError, SourceError
from flux_assets.prompts.inputs import load_catalog, load_shots
from flux_assets.publishing.channels import load_channels
from flux_assets.settings import Settings, load_settings
from flux_assets_tests.fixtures.command_line import PROJECT, Workplace

EXPORTS = sorted((PROJECT / "flux_assets_tests/fixtures/shop_exports").iterdir())
REAL_EXPORTS = sorted((PROJECT.parent / "shared/catalogs").glob("*.[ct]sv"))
WORDS = {
    "product_id": "Kennung",
    "title": "Was es ist",
}
ON = {"FLUX_ASSETS_CHANNELS": "data/channels.yaml"}
UNKNOWN = "Kennung;Was es ist\nA1;Stuhl aus Holz\nA2;Tisch aus Eiche\n"


def _list(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return load_settings({})


@pytest.mark.parametrize("export", EXPORTS, ids=lambda path: str(path.name))
def test_for_each_kind_of_export_every_prompt_renders(export: Path, settings: Settings) -> None:
    lay_down(Path(), str(export))
    assert Path("data/catalog.csv").read_bytes() == export.read_bytes()
    shots = load_shots(settings)
    assert [shot.name for shot in shots.shots] == ["hero", "lifestyle", "banner"]
    assert load_catalog(settings, shots).products
    assert load_channels(load_settings(ON))
    verdicts = {it.name: it for it in check_inputs(settings)}
    assert verdicts["shots"].verdict == "ok", verdicts["shots"]


def test_an_export_that_nobody_recognises_gets_columns_that_make_it_readable(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("export.txt").write_text(UNKNOWN)
    lay_down(Path(), "export.txt")
    shots = load_shots(settings)
    assert shots.columns == WORDS
    assert [it.title for it in load_catalog(settings, shots).products] == [
        "Stuhl aus Holz",
        "Tisch aus Eiche",
    ]
    assert "'Kennung' is a guess" in capsys.readouterr().out


def test_what_is_proposed_in_comments_can_be_used_as_it_is(settings: Settings) -> None:
    export = "id;title;brand;image_url\nA1;Chair;Acme;https://shop.example/1.jpg\n"
    Path("export.csv").write_text(export)
    lay_down(Path(), "export.csv")
    path = Path("data/shots.yaml")
    described, sample, photo_shot = re.split(
        r"(?<=\n)\n(?=# The kinds)|(?<=line below\.\n)", path.read_text("utf-8")
    )
    columns = re.sub("^#(?! [^ ])", "", described, flags=re.MULTILINE)
    assert yaml.safe_load(columns) == {
        "columns": {
            "product_id": "id",
            "title": "title",
            "brand": "brand",
            "image_url": "image_url",
        }
    }
    path.write_text(columns + sample + re.sub("^#", "", photo_shot, flags=re.MULTILINE), "utf-8")
    shots = load_shots(settings)
    assert shots.columns["brand"] == "brand"
    [photo] = [shot for shot in shots.shots if shot.mode == "edit"]
    assert (photo.source, photo.only_if) == (("image_url",), None)


@pytest.mark.parametrize(
    ("header", "enabled"),
    [
        ("Handle,Title,Body (HTML),Variant SKU,Image Src", ["shopify", "web"]),
        ("URL handle,Title,Description,SKU,Product image URL", ["shopify", "web"]),
        ("id,title,item_group_id,availability,google_product_category", ["google", "meta", "web"]),
        ("id,title", ["web"]),
    ],
)
def test_the_channels_that_an_export_is_for_are_on(
    settings: Settings, header: str, enabled: list[str]
) -> None:
    del settings
    Path("export.csv").write_text(f"{header}\nA1,Chair{',x' * (header.count(',') - 1)}\n")
    lay_down(Path(), "export.csv")
    channels = load_channels(load_settings(ON))
    assert channels
    assert [it.name for it in channels.enabled] == enabled
    assert channels.channels["shopify"].feed.legacy == header.startswith("Handle")
    assert channels.channels["google"].slots["main"].shots == ("hero",)
    text = Path("data/channels.yaml").read_text("utf-8")
    everything = text.replace("    enabled: false\n", "").replace("[on_the_table]", "[hero]")
    Path("data/channels.yaml").write_text(everything)
    channels = load_channels(load_settings(ON))
    assert channels
    assert len(channels.enabled) == len(channels.channels) == 9


def test_nothing_is_overwritten_and_what_was_left_is_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    del settings
    own = {"data/catalog.csv": "id,title\n1,Chair\n", "dagster.yaml": "", ".env.example": "x"}
    for name, text in own.items():
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    lay_down(Path(), None)
    told = capsys.readouterr().out
    for name, text in own.items():
        assert Path(name).read_text() == text
        assert f"Left as it is, for it is there already: {name}\n" in told
    assert "Made data/shots.yaml\n" in told
    assert _list(Path()) == {
        *own,
        ".gitignore",
        "data/shots.yaml",
        "data/channels.yaml",
    }  # the sample's photos show other products

    Path("export.csv").write_text("id,title\n2,Desk\n")
    lay_down(Path(), "export.csv")
    assert f"FLUX_ASSETS_CATALOG={Path('export.csv').absolute()}" in capsys.readouterr().out


def test_a_folder_of_its_own_gets_a_gitignore(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    del settings
    lay_down(Path("shop"), None)
    told = capsys.readouterr()
    assert "Made shop/.gitignore\n" in told.out
    assert {".env", ".flux_assets/"} <= set(Path("shop/.gitignore").read_text("utf-8").splitlines())
    lay_down(Path("shop"), None)
    again = capsys.readouterr()
    assert "Left as it is, for it is there already: shop/.gitignore\n" in again.out
    assert told.err == again.err == ""


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("", "put .env and .flux_assets/ into shop/.gitignore"),
        ("__pycache__/\n.env\n", "put .flux_assets/ into shop/.gitignore"),
        (".flux_assets\n.env*\n", ""),
    ],
)
def test_what_ones_own_gitignore_lacks_is_told_and_the_file_is_left(
    settings: Settings, capsys: pytest.CaptureFixture[str], own: str, told: str
) -> None:
    del settings
    path = Path("shop/.gitignore")
    path.parent.mkdir()
    path.write_text(own, "utf-8")
    lay_down(Path("shop"), None)
    said = capsys.readouterr()
    assert path.read_text("utf-8") == own
    assert f"Left as it is, for it is there already: {path}\n" in said.out
    assert (told in said.err) if told else not said.err


def test_where_the_repository_around_ignores_them_no_file_is_made(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    del settings
    subprocess.run(["git", "init", "-q"], check=True)  # noqa: S607 - whichever git is there
    Path(".gitignore").write_text(".env\n.flux_assets/\n")
    lay_down(Path("shops/shoes"), None)
    assert not Path("shops/shoes/.gitignore").exists()
    said = capsys.readouterr()
    assert ".gitignore" not in said.out + said.err


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n1,3\n"])
def test_for_what_is_no_catalog_nothing_is_made(settings: Settings, text: str) -> None:
    del settings
    Path("export.csv").write_text(text)
    with pytest.raises(CatalogError):
        lay_down(Path("shop"), "export.csv")
    with pytest.raises(SourceError, match="no such file"):
        lay_down(Path("shop"), "nowhere.csv")
    assert _list(Path()) == {"export.csv"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "pyproject.toml",
            '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "acme"\n',
        ),
        ("dg.toml", 'directory_type = "project"\n[project]\nroot_module = "acme"\n'),
    ],
)
def test_in_a_project_of_dg_it_is_a_component(settings: Settings, name: str, text: str) -> None:
    del settings
    Path(name).write_text(text)
    Path("export.csv").write_text("id,title\nA1,Chair\n")
    lay_down(Path(), "export.csv")
    place = "src/acme/defs/pictures"
    assert _list(Path()) == {
        *(name, "export.csv", "dagster.yaml", ".env.example", ".gitignore"),
        *(f"{place}/{it}" for it in ("defs.yaml", "catalog.csv", "shots.yaml", "channels.yaml")),
    }
    said = yaml.safe_load(Path(place, "defs.yaml").read_text("utf-8"))
    assert said == {
        "type": "flux_assets.CatalogImages",
        "attributes": {"mode": "sample", "catalog": "catalog.csv", "shots": "shots.yaml"},
    }


def test_every_setting_in_the_example_of_an_environment_can_be_set(settings: Settings) -> None:
    del settings
    lay_down(Path(), None)
    lines = Path(".env.example").read_text("utf-8").splitlines()
    given = dict(line.removeprefix("# ").split("=", 1) for line in lines if "=" in line)
    given |= {"ONEMIN_API_KEY": "key"}
    assert load_settings(given).mode == "live"


@pytest.mark.slow
@pytest.mark.parametrize(
    "export", [None, *REAL_EXPORTS], ids=lambda it: it.name if it else "sample"
)
def test_the_folder_plans_and_buys_samples_as_it_is(tmp_path: Path, export: Path | None) -> None:
    arguments = ("--catalog", str(export)) if export else ()
    laid = Workplace(folder=tmp_path).run("init", "shop", *arguments)
    assert laid.exit_code == 0, laid.stderr
    workplace = Workplace(folder=tmp_path / "shop")
    planned = workplace.run("plan", "--json")
    assert planned.exit_code == 0, planned.stderr
    assert planned.json["new"] > 0
    assert planned.json["prompt_errors"] == 0
    bought = workplace.run("refresh", "--limit", "2", "--json")
    assert bought.json["generated"] == 2, bought.stderr
    assert workplace.run("check").exit_code == 0
