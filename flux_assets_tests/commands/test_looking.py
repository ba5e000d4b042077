"""Commands that only look: in a folder where nothing was bought they make nothing, and say so."""

from pathlib import Path

import pytest

from flux_assets_tests.fixtures.command_line import Workplace, make_workplace

NO_STORE = (
    *(("verify",), ("verify", "--repair"), ("ledger",), ("prune",), ("prune", "--delete")),
    ("show", "A1"),
)


@pytest.fixture
def empty(tmp_path: Path) -> Workplace:
    return Workplace(folder=tmp_path)


def _list(workplace: Workplace) -> list[str]:
    return sorted(path.name for path in workplace.folder.iterdir())


@pytest.mark.parametrize("arguments", NO_STORE, ids=" ".join)
def test_without_a_store_it_is_named_and_that_is_an_error(
    empty: Workplace, arguments: tuple[str, ...]
) -> None:
    done = empty.run(*arguments, FLUX_ASSETS_STORE="shelf")
    assert done.exit_code == 1
    assert f"there is no store at {empty.folder}/shelf: nothing was bought into it" in done.stderr
    assert _list(empty) == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--help",), 0, ""),
        (("runs",), 0, "Dagster has no home yet"),
        (("runs", "--json"), 0, ""),
        (("runs", "--end", "3f9c21aa"), 1, "is the beginning of 0 runs"),
        (("plan",), 1, "data/shots.yaml: there is no such file"),
        (("check",), 1, "data/catalog.csv: there is no such file"),
        (("pin", "A1", "--shots", "hero", "--previous"), 1, "FLUX_ASSETS_OVERRIDES: is not set"),
        (("reroll", "A1", "--shots", "hero"), 1, "FLUX_ASSETS_OVERRIDES: is not set"),
    ],
    ids=lambda it: " ".join(it) if isinstance(it, tuple) else "",
)
def test_in_an_empty_folder_nothing_is_made(
    empty: Workplace, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = empty.run(*arguments)
    assert done.exit_code == code, done.stderr
    assert told in done.stdout + done.stderr
    assert _list(empty) == []


@pytest.mark.parametrize("arguments", [("plan",), ("plan", "--json"), ("check",)], ids=" ".join)
def test_a_shop_that_bought_nothing_yet_can_be_planned_and_checked_and_stays_as_it_is(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    workplace = make_workplace(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    done = workplace.run(*arguments)
    assert done.exit_code == 0, done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_store_that_cannot_be_made_is_a_problem(empty: Workplace) -> None:
    (empty.folder / "file").write_text("no folder")
    checked = empty.run("check", "--json", FLUX_ASSETS_STORE="file/store")
    problems = {it["name"] for it in checked.json["checks"] if it["verdict"] == "problem"}
    assert "store put" in problems
    assert _list(empty) == ["file"]


def test_verify_names_its_store(empty: Workplace) -> None:
    store = empty.folder / "shelf"
    store.mkdir()
    (store / "store.json").write_text(
        '{"format": 1, "mode": "sample", "api_origin": "simulator", "shop": null}'
    )
    told = empty.run("verify", FLUX_ASSETS_STORE="shelf")
    assert told.exit_code == 0
    assert f"The store is {store}." in told.stdout + told.stderr
    assert empty.run("verify", "--json", FLUX_ASSETS_STORE="shelf").json["store"] == str(store)
    assert _list(empty) == ["shelf"]
