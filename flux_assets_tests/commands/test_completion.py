"""What the TAB key offers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.shell_completion import ShellComplete

from flux_assets.commands.main import cli
from flux_assets_tests.fixtures.command_line import COMMAND, Workplace, make_workplace

_NEEDED_BY_RUNS = {"dagster", "pandas", "boto3", "botocore", "PIL", "jinja2", "sqlalchemy", "numpy"}


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    workplace = make_workplace(tmp_path / "project")
    monkeypatch.chdir(workplace.folder)
    for name in os.environ:
        if name.startswith(("FLUX_ASSETS_", "ONEMIN_")):
            monkeypatch.delenv(name)
    return workplace


def offered(line: str) -> list[str]:
    """What is offered for the last word of a line."""
    *words, start = line.split(" ")
    found = ShellComplete(cli, {}, "flux-assets", "_FLUX_ASSETS_COMPLETE")
    return [item.value for item in found.get_completions(words, start)]


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ver", ["verify"]),
        ("ledger rel", ["release"]),
        ("plan --shots h", ["hero"]),
        ("refresh --shots hero --shots b", ["banner"]),
        ("reroll 00123 --shot l", ["lifestyle"]),
        ("ledger --shots on", ["on_the_table"]),
        ("ledger release --shots x", []),
        ("plan --product-ids JWL-10", ["JWL-100", "JWL-101", "JWL-103"]),
        ("reroll JWL.", ["JWL.7/01"]),
        ("show 00123 JWL.", ["JWL.7/01"]),
        ("show 00123 --shots l", ["lifestyle"]),
        ("ledger release --product-ids 0012", ["00123", "00124"]),
    ],
)
def test_commands_shots_and_products_are_offered(line: str, names: list[str]) -> None:
    assert offered(line) == names


def test_products_are_those_of_the_last_run_in_the_shop_s_store(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = workplace.store / "mugs/tables"
    tables.mkdir(parents=True)
    pd.DataFrame({"product_id": ["M-1", "M-2", "N"]}).to_parquet(tables / "product_catalog.parquet")
    monkeypatch.setenv("FLUX_ASSETS_SHOP", "mugs")
    assert offered("plan --product-ids M") == ["M-1", "M-2"]


def test_products_of_an_export_are_read_as_the_shots_file_says(workplace: Workplace) -> None:
    export = "key,id,title,color\n1,A,Mug,red\n2,A,Mug,blue\n"
    (workplace.folder / "data/catalog.csv").write_text(export, "utf-8")
    (workplace.folder / "data/shots.yaml").write_text(
        'columns: {product_id: key}\nshots: {hero: {prompt: "{{ title }}"}}\n', "utf-8"
    )
    assert offered("plan --product-ids ") == ["1", "2"]


@pytest.mark.parametrize(
    "environ",
    [
        {"FLUX_ASSETS_MODE": "live"},
        {"FLUX_ASSETS_NO_SUCH": "1"},
        {"FLUX_ASSETS_SHOTS": "none.yaml", "FLUX_ASSETS_CATALOG": "none.csv"},
        {"FLUX_ASSETS_SHOTS": "data/catalog.csv", "FLUX_ASSETS_CATALOG": "data/shots.yaml"},
        {"FLUX_ASSETS_SHOTS": "s3://b/s.yaml", "FLUX_ASSETS_CATALOG": "https://shop.test/c.csv"},
        {"FLUX_ASSETS_SHOTS": "data", "FLUX_ASSETS_CATALOG": "data"},
        {"FLUX_ASSETS_SHOTS": "big", "FLUX_ASSETS_CATALOG": "big"},
        {"FLUX_ASSETS_SHOTS": "list.yaml", "FLUX_ASSETS_STORE": "torn"},
    ],
    ids=str,
)
def test_what_cannot_be_read_offers_nothing_and_is_no_error(
    workplace: Workplace,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (workplace.folder / "big").write_text("product_id,title\n" + "1,A\n" * 200_000, "utf-8")
    (workplace.folder / "list.yaml").write_text("- hero\n", "utf-8")
    (workplace.folder / "torn/tables").mkdir(parents=True)
    (workplace.folder / "torn/tables/product_catalog.parquet").write_bytes(b"PAR1 torn")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert offered("plan --shots ") == []
    assert offered("plan --product-ids ") == []
    assert capfd.readouterr() == ("", "")


def test_bash_completes_a_shot_once_it_is_switched_on(workplace: Workplace) -> None:
    script = f"""
    PATH={COMMAND.parent}:$PATH
    eval "$(_FLUX_ASSETS_COMPLETE=bash_source flux-assets)"
    COMP_WORDS=(flux-assets plan --shots ba) COMP_CWORD=3
    _flux_assets_completion flux-assets
    echo "${{COMPREPLY[@]}}"
    """
    done = workplace.run_script(script)
    assert (done.stdout, done.stderr) == ("banner\n", "")
    assert not (workplace.folder / ".flux_assets").exists()


_OFFER = """
import json, sys
from click.shell_completion import ShellComplete
from flux_assets.commands.main import cli
offered = ShellComplete(cli, {}, "flux-assets", "_X").get_completions(["plan", sys.argv[1]], "")
assert offered
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("option", ["--shots", "--product-ids"])
def test_offering_loads_nothing_that_only_a_run_needs(workplace: Workplace, option: str) -> None:
    loaded = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _OFFER, option],
        cwd=workplace.folder,
        env=workplace.environ({}),
        capture_output=True,
        text=True,
        check=True,
    )
    tops = {name.partition(".")[0] for name in json.loads(loaded.stdout)}
    assert tops & _NEEDED_BY_RUNS == set()
