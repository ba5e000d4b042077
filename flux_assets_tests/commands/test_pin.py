"""What `reroll` and `pin` show and write: the old picture, the new one, and the way back."""

import re
import shlex
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.command_line import Finished, Workplace

pytestmark = pytest.mark.slow  # several refreshes

OVERRIDES = "overrides.csv"
ENVIRON = {"FLUX_ASSETS_OVERRIDES": OVERRIDES}
HERO = ("--product-ids", "A1", "--shots", "hero")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Two pictures of A1's hero shot, of which the second is shown; one of its wide one."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "data").mkdir()
    (folder / "data/catalog.csv").write_text("product_id,title\nA1,Chair\n-B 2,Desk\n")
    (folder / "data/shots.yaml").write_text(
        'shots: {hero: {prompt: "{{ title }}"}, wide: {prompt: "wide {{ title }}"}}'
    )
    workplace = Workplace(folder=folder)
    assert workplace.run("refresh", "--product-ids", "A1").exit_code == 2
    rerolled = workplace.run("reroll", "A1", "--shot", "hero", "--now", **ENVIRON)
    assert rerolled.exit_code == 2, rerolled.stderr
    return workplace


@pytest.fixture(autouse=True)
def second_picture(workplace: Workplace) -> str:
    text = "product_id,shot,take,seed,prompt,pin,skip\nA1,hero,2,,,,\n"
    (workplace.folder / OVERRIDES).write_text(text)
    return text


def _pictures(workplace: Workplace) -> set[str]:
    return {path.stem for path in workplace.store.glob("images/hero/A1/*")}


def _told(done: Finished, which: str) -> tuple[str, str]:
    """The fingerprint and the rest of what is said of the old or new picture of the hero shot."""
    assert done.exit_code == 0, done.stderr
    output = done.stdout + done.stderr
    found = re.search(rf"^A1, hero\n(?:.*\n)??  {which}: (\S+)  (.*)$", output, re.MULTILINE)
    assert found, output
    return found[1], found[2]


def _way_back(done: Finished) -> list[str]:
    [line] = re.findall(r"to take it back: flux-assets (.*)", done.stdout + done.stderr)
    return shlex.split(line)


def _pin(workplace: Workplace) -> str:
    [row] = [
        line
        for line in (workplace.folder / OVERRIDES).read_text().splitlines()
        if line.startswith("A1,hero,")
    ]
    return row.split(",")[5]


def test_a_reroll_shows_both_pictures_and_its_line_takes_it_back(workplace: Workplace) -> None:
    asked = workplace.run("reroll", "A1", "--shots", "hero", **ENVIRON)
    old, path = _told(asked, "old")
    assert old in _pictures(workplace)
    assert Path(path).stem == old
    assert Path(path).is_file()
    new, said = _told(asked, "new")
    assert new not in _pictures(workplace)
    assert "the next refresh buys it" in said

    back = workplace.run(*_way_back(asked), **ENVIRON)
    assert _told(back, "new") == (old, path)
    assert _pin(workplace) == old
    refreshed = workplace.run("refresh", *HERO, "--json", **ENVIRON)
    assert (refreshed.json["calls"], refreshed.json["reused"]) == (0, 1)


def test_the_previous_picture_is_pinned_and_its_line_takes_the_pin_off(
    workplace: Workplace, second_picture: str
) -> None:
    pinned = workplace.run("pin", "A1", "--shot", "hero", "--previous", **ENVIRON)
    (second, _), (first, path) = _told(pinned, "old"), _told(pinned, "new")
    assert {first, second} == _pictures(workplace)
    assert Path(path).stem == first
    assert _pin(workplace) == first
    plan = workplace.run("plan", *HERO, "--json", **ENVIRON)
    assert (plan.json["stored"], plan.json["to_buy"]) == (1, 0)

    back = workplace.run(*_way_back(pinned), **ENVIRON)
    assert _told(back, "new")[0] == second
    assert (workplace.folder / OVERRIDES).read_text() == second_picture


def test_a_pin_over_another_goes_back_to_that(workplace: Workplace) -> None:
    first, second = _pictures(workplace)
    workplace.run("pin", "A1", first[:8].upper(), "--shots", "hero", **ENVIRON)
    pinned = workplace.run("pin", "A1", second[:8], "--shots", "hero", **ENVIRON)
    assert _told(pinned, "old")[0] == first
    assert _pin(workplace) == second
    workplace.run(*_way_back(pinned), **ENVIRON)
    assert _pin(workplace) == first


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("A1", "--shots", "wide", "--previous"), 1, "there is none before it"),
        (("-B 2", "--shots", "hero", "--previous"), 1, "the one of now is none"),
        (("A1", "--shots", "hero,wide", "--previous"), 1, "shot wide: there is none before it"),
        (("A1", "--shots", "hero", "ffffffff"), 1, "'ffffffff' is not the beginning"),
        (("A1", "--shots", "hero", "f"), 1, "of 8 digits or more"),
        (("A9", "--shots", "hero", "--previous"), 1, "there is no 'A9'"),
        (("A1", "--shots", "heros", "--previous"), 1, "there is no 'heros'"),
        (("A1", "--shots", "hero"), 64, "give one of FINGERPRINT, --previous and --remove"),
        (("A1", "ffffffff", "--shots", "hero", "--remove"), 64, "give one of"),
        (("A1", "ffffffff", "--shots", "hero,wide"), 64, "a fingerprint is one shot's"),
        (("A1", "--previous"), 64, "'--shots'"),
    ],
)
def test_what_cannot_be_pinned_changes_nothing(
    workplace: Workplace, second_picture: str, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = workplace.run("pin", *_apart(arguments), **ENVIRON)
    assert done.exit_code == code, done.stderr
    assert told in " ".join(done.stderr.split())
    assert (workplace.folder / OVERRIDES).read_text() == second_picture


def _apart(arguments: tuple[str, ...]) -> list[str]:
    """With the product behind `--`, as one that begins with a dash needs it."""
    product, *rest = arguments
    return [*rest, "--", product] if product.startswith("-") else list(arguments)
