"""One ugly picture: what the command asks for, writes and buys."""

from pathlib import Path

import pytest

from flux_assets.errors import ChoiceError, OverridesError, PromptError, SettingsError
from flux_assets.prompts.reroll import raise_takes
from flux_assets.prompts.wishes import find_chosen
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace
from flux_assets_tests.fixtures.shops import Shop

OVERRIDES = "overrides.csv"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    shop = Shop(tmp_path, "001", "002")
    shop.environ["FLUX_ASSETS_OVERRIDES"] = OVERRIDES
    return shop


def ask(shop: Shop, product_id: str, shots: list[str]) -> None:
    raise_takes(shop.settings, find_chosen(shop.settings, product_id, shots))


def test_takes_are_raised_one_by_one_in_a_file_that_is_made(shop: Shop) -> None:
    ask(shop, "002", ["hero"])
    ask(shop, "002", ["hero", "wide"])
    assert (shop.folder / OVERRIDES).read_text() == (
        "product_id,shot,take,seed,prompt,pin,skip\n002,hero,3,,,,\n002,wide,2,,,,\n"
    )


@pytest.mark.parametrize(
    ("product_id", "shots", "told"),
    [
        ("009", ["hero"], "PRODUCT: there is no '009' .* Near '009': 00[12], 00[12]"),
        ("001", ["hero", "heros"], "--shots: there is no 'heros' .* Near 'heros': hero"),
    ],
)
def test_what_there_is_not_cannot_be_asked_for_and_nothing_is_written(
    shop: Shop, product_id: str, shots: list[str], told: str
) -> None:
    with pytest.raises(ChoiceError, match=told):
        ask(shop, product_id, shots)
    assert not (shop.folder / OVERRIDES).exists()


def test_a_row_that_cannot_be_used_leaves_every_shot_as_it_is(shop: Shop) -> None:
    text = "product_id,shot,take\n001,wide,many\n"
    (shop.folder / OVERRIDES).write_text(text)
    with pytest.raises(OverridesError, match=r"overrides\.csv, line 2: take is 'many'"):
        ask(shop, "001", ["hero", "wide"])
    assert (shop.folder / OVERRIDES).read_text() == text


def test_without_a_file_the_setting_is_asked_for(shop: Shop) -> None:
    del shop.environ["FLUX_ASSETS_OVERRIDES"]
    with pytest.raises(SettingsError, match="FLUX_ASSETS_OVERRIDES: is not set"):
        ask(shop, "001", ["hero"])


def test_a_shot_that_is_named_twice_is_raised_once(shop: Shop) -> None:
    ask(shop, "002", ["hero", "hero"])
    assert "002,hero,2," in (shop.folder / OVERRIDES).read_text()


def test_a_picture_that_no_rule_wants_or_no_prompt_makes_is_not_asked_for(shop: Shop) -> None:
    text = "product_id,shot,skip\n001,hero,yes\n"
    (shop.folder / OVERRIDES).write_text(text)
    shop.set_product("001", color="")
    with pytest.raises(OverridesError, match="no picture is wanted, as skip says"):
        ask(shop, "001", ["hero"])
    with pytest.raises(PromptError, match="the field 'color' is empty"):
        ask(shop, "001", ["wide"])
    assert (shop.folder / OVERRIDES).read_text() == text


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


@pytest.mark.slow
def test_a_reroll_shows_what_will_be_bought_and_now_buys_just_that(workplace: Workplace) -> None:
    environ = {"FLUX_ASSETS_OVERRIDES": OVERRIDES}
    bought = workplace.run("refresh", "--product-ids", "00123", "--json")
    assert bought.json["calls"] == 3
    before = set(workplace.pictures())

    asked = workplace.run("reroll", "00123", "--shot", "hero", **environ)
    assert asked.exit_code == 0, asked.stderr
    assert "1 picture to buy, about 0.07 USD" in asked.stdout
    assert "Oslo Lounge Chair" in asked.stdout
    assert set(workplace.pictures()) == before

    now = workplace.run("reroll", "00123", "--shot", "hero", "--now", **environ)
    assert now.exit_code == 2, now.stderr  # the other products have none yet
    [another] = set(workplace.pictures()) - before
    assert another.parent.name == "00123"
    text = (workplace.folder / OVERRIDES).read_text()
    assert "00123,hero,3" in text
    again = workplace.run("refresh", "--product-ids", "00123", "--json", **environ)
    assert (again.json["calls"], again.json["reused"]) == (0, 3)


@pytest.mark.slow
def test_a_pin_brings_a_stored_picture_back_without_a_call(workplace: Workplace) -> None:
    environ = {"FLUX_ASSETS_OVERRIDES": OVERRIDES}
    arguments = ("--product-ids", "00123", "--shots", "hero", "--json")
    workplace.run("refresh", *arguments)
    [first] = workplace.pictures()
    workplace.run("reroll", "00123", "--shot", "hero", "--now", **environ)
    (workplace.folder / OVERRIDES).write_text(f"product_id,shot,pin\n00123,hero,{first.stem}\n")
    pinned = workplace.run("refresh", *arguments, **environ)
    assert (pinned.json["calls"], pinned.json["reused"]) == (0, 1)
    manifest = (workplace.store / "tables" / "image_manifest.csv").read_text()
    assert first.stem in manifest
