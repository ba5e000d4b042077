"""Signs at the ends of a text: those of a number stay."""

import pytest

from flux_assets.catalog.decoration import undress_title
from flux_assets.catalog.trimming import trim, trim_start
from flux_assets_tests.fixtures.growth import measure_growth

SIGNS = " ,;:.!-"
MORE_SIGNS = f"{SIGNS}–−+±~#(\"'"
NUMBERS = [
    "-40 °C Boot",
    "-.5 dpt Lens",
    "-,5 dpt Linse",
    ".5 l Bottle",
    ",5 l Flasche",
    "-½ dpt Lens",
    "-٤٠ Boot",
    "-40°C/+60°C Cable",
    "-10 to -40 °C Gel",
    "-40",
]


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("before", ["", " ", "- ", "...  ", ": ", "! ", ", - "])
def test_a_number_keeps_its_sign_behind_whatever_else_goes(before: str, text: str) -> None:
    assert trim(f"{before}{text}", SIGNS) == text
    assert trim(f"{before}{text} -", SIGNS) == text


@pytest.mark.parametrize("text", ["–40 °C", "−40 °C", "+5 °C", "±2 mm", "~5 l", "+.5 dpt"])
def test_every_sign_of_a_number_stays_though_it_is_to_be_trimmed(text: str) -> None:
    assert trim(text, MORE_SIGNS) == text
    assert trim(f"– {text} –", MORE_SIGNS) == text
    assert trim(f'("{text}', MORE_SIGNS) == text


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ("-Boot-", "Boot"),
        ("- 40 Boots", "40 Boots"),
        ("--40 Boot", "40 Boot"),
        ("-- .5 l", ".5 l"),
        ("...5 ways", "5 ways"),
        ("-..5 ways", "5 ways"),
        (".,5", "5"),
        ("5-", "5"),
        ("Boot -40 °C.", "Boot -40 °C"),
        (": 5 l", "5 l"),
        (":5 l", "5 l"),
        ("40 Boots", "40 Boots"),
        ("-–-", "–"),
        ("-", ""),
        ("", ""),
    ],
)
def test_what_belongs_to_no_number_goes(text: str, trimmed: str) -> None:
    assert trim(text, SIGNS) == trimmed


@pytest.mark.parametrize("text", ["#1 Dad Mug", "'5 Mug", "(5 Mugs"])
def test_what_is_no_sign_of_a_number_goes_where_it_is_to_be_trimmed(text: str) -> None:
    assert trim(text, MORE_SIGNS) == text[1:]
    assert trim(text, SIGNS) == text


def test_without_characters_blanks_go() -> None:
    assert trim(" \t-40 °C \n") == "-40 °C"
    assert trim_start(" - 4 ") == "- 4 "


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("★ –40 °C Boot ★", "–40 °C Boot"),
        ("★ ,5 l Flasche", ",5 l Flasche"),
        ("SALE – 5 Stück", "5 Stück"),
        ("★ – Boot", "Boot"),
    ],
)
def test_a_title_keeps_it_where_what_stood_before_is_taken_off(text: str, title: str) -> None:
    assert undress_title(text) == title


def test_a_long_run_of_signs_costs_time_in_proportion() -> None:
    assert measure_growth(lambda text: trim(f"{text}5", SIGNS), "-.") < 30
