import csv
import io
from pathlib import Path

import pytest

from flux_assets.bill.open_ledger import RunIdentity
from flux_assets.errors import ChoiceError
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import DryRun, plan_catalog
from flux_assets.planning.reasons import Reason, write_reasons_csv
from flux_assets_tests.fixtures.shops import Shop

CASES = Path(__file__).parents[3] / "shared" / "cases"
NOBODY_DIED = RunIdentity(run_id="", step="plan", is_run_dead=lambda _: False)
CATALOG = """\
sku,title,category,image_url,status
A,Bowl,Kitchen,,active
G,Gift card,Gift cards,,active
D,Draft bowl,Kitchen,,draft
N,,Kitchen,,active
O,Overridden,Kitchen,,active
S,Skipped,Kitchen,,active
"""
SHOTS = """\
shots:
  hero:
    only_if: "category != 'Gift cards'"
    prompt: "{{ title }}."
  table:
    mode: edit
    fallback: skip
    only_if: "product_id == 'A'"
    prompt: "{{ title }} on a table."
"""
OVERRIDES = "product_id,shot,take,skip\nO,hero,many,\nS,hero,,yes\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path)
    Path("catalog.csv").write_text(CATALOG, "utf-8")
    Path("overrides.csv").write_text(OVERRIDES, "utf-8")
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
    shop.write_shots(SHOTS)
    return shop


def _plan(shop: Shop, **choices: object) -> DryRun:
    return plan_catalog(shop.settings, shop.store, NOBODY_DIED, Choices(**choices))  # type: ignore[arg-type] # its own fields


def test_each_product_without_a_picture_has_its_reason(shop: Shop) -> None:
    plan = _plan(shop)
    reasons = {(item.product_id, item.shot): item for item in plan.reasons}
    assert {place: item.reason for place, item in reasons.items()} == {
        ("G", "hero"): "only_if",
        ("D", ""): "unpublished",
        ("N", ""): "no_title",
        ("O", "hero"): "override_problem",
        ("S", "hero"): "skip",
        ("A", "table"): "no_photo",
        **{(product_id, "table"): "only_if" for product_id in "GOS"},
    }
    assert reasons["G", "hero"].line == 3
    assert reasons["G", "hero"].message == (
        "category is 'Gift cards', and only_if in line 3 of the shots file: "
        "category != 'Gift cards'"
    )
    assert "line 2 of the overrides: take is 'many'" in reasons["O", "hero"].message
    assert reasons["S", "hero"].message == "line 3 of the overrides says skip"
    assert "draft, hidden or archived" in reasons["D", ""].message
    assert plan.to_json()["without_picture"] == {
        "only_if": 4,
        "unpublished": 1,
        "no_title": 1,
        "override_problem": 1,
        "skip": 1,
        "no_photo": 1,
    }
    assert (plan.plan.to_buy, plan.notes) == (1, ())


def test_chosen_products_without_a_picture_are_told_and_stop_no_other(shop: Shop) -> None:
    plan = _plan(shop, product_ids=["A", "G", "D", "N", "B"], shots=["hero"])
    assert [row.product_id for row in plan.plan.rows] == ["A"]
    assert [note.split(":")[0] for note in plan.notes] == [
        "there is no product 'B' in catalog.csv",
        "product 'G', shot 'hero'",
        "product 'D'",
        "product 'N'",
    ]


def test_an_unknown_product_is_told_with_the_nearest_id(shop: Shop) -> None:
    Path("catalog.csv").write_text("sku,title\nCHAIR-1,Chair\nBOWL-1,Bowl\n", "utf-8")
    shop.write_shots('shots:\n  hero:\n    prompt: "{{ title }}."\n')
    [note] = _plan(shop, product_ids=["BOWL-1", "CHIAR-1"]).notes
    assert note == "there is no product 'CHIAR-1' in catalog.csv; near it: CHAIR-1"


def test_a_chosen_variant_is_said_to_be_one(shop: Shop) -> None:
    rows = "ID,Type,SKU,Name,Parent\n1,variable,TEE,Tee,\n2,variation,TEE-RED,Tee,TEE\n"
    Path("catalog.csv").write_text(rows, "utf-8")
    shop.write_shots('shots:\n  hero:\n    prompt: "{{ title }}."\n')
    assert _plan(shop).reasons == ()
    [note] = _plan(shop, product_ids=["TEE", "TEE-RED"]).notes
    assert "product 'TEE-RED': no picture (variant): line 3 is a row of another" in note


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"product_ids": ["X", "Y"]}, "product_ids: there is no 'X', 'Y' in"),
        ({"categories": ["Kitchn", "Kitchen"]}, "categories: there is no 'Kitchn' in"),
        ({"shots": ["heros", "hero"]}, "shots: there is no 'heros' in"),
    ],
)
def test_a_choice_of_which_nothing_can_come_is_an_error(
    shop: Shop, choices: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(ChoiceError, match=told):
        _plan(shop, **choices)


def test_a_category_without_any_picture_is_one_all_the_same(shop: Shop) -> None:
    plan = _plan(shop, categories=["Gift cards"])
    assert (plan.plan.rows, plan.to_json()["without_picture"]) == ((), {"only_if": 2})


def test_no_cell_of_the_reasons_can_run_as_a_formula() -> None:
    file = io.StringIO()
    write_reasons_csv([Reason("=1+1", "hero", 2, "only_if", "-a, b")], file)
    assert list(csv.reader(io.StringIO(file.getvalue()))) == [
        ["product_id", "shot", "line", "reason", "message"],
        ["'=1+1", "hero", "2", "only_if", "'-a, b"],
    ]


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the exports of ../shared/cases")
def test_the_shared_case_goes_on_with_what_has_a_picture(shop: Shop) -> None:
    for name, to in (("", "catalog.csv"), ("_shots", "shots.yaml")):
        source = CASES / f"chosen_without_picture{name}{Path(to).suffix}"
        Path(to).write_bytes(source.read_bytes())
    plan = _plan(shop, product_ids=["A", "G"])
    assert [(row.product_id, row.status) for row in plan.plan.rows] == [("A", "new")]
    [note] = plan.notes
    assert note.startswith("product 'G', shot 'hero': no picture (only_if): category is")
