"""What page builders and templates leave in a text is none of it, whichever they are."""

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.html_text import plain_lines
from flux_assets_tests.fixtures.growth import measure_growth

TEXT = "A bench of solid oak."


@pytest.mark.parametrize(
    "around",
    [
        "[yith_wcwl_add_to_wishlist]{}",
        "[size_chart]{}",
        "{}[woocommerce_my_account]",
        "{}[youtube https://youtu.be/x]",
        "[embed https://x.example/a?b=1 /]{}",
        '[button link="https://x.example" size="large"]Buy[/button]{}',
        '[su_button url="https://x.example"]Order now[/su_button]{}',
        '{}[fusion_button link="#"]More[/fusion_button]',
        "[gap]{}[hr][br]",
        "[section][col]{}[/col][/section]",
        "{{{{{{name}}}}}}{}",
        "{{loadposition reviews}}{}",
        "{{hook h='displayProduct'}}{}{{widget name=\"x\"}}",
        "{}{{youtube}}abc123{{/youtube}}",
        "/*! elementor - v3.5.6 - 28-02-2022 */ .elementor-drop-cap{{background-color:#818a91}} {}",
        "/* a */ .x{{color:red}} /* b */ {}",
        ":root{{--main:1px}} {}",
    ],
)
def test_what_is_for_software_is_no_text(around: str) -> None:
    cell = around.format(TEXT)
    assert " ".join(plain_lines(cell).split()) == TEXT
    data = f'sku,title,description\n1,Bench,"{cell.replace(chr(34), chr(34) * 2)}"\n'.encode()
    assert [it.description for it in read_catalog(data, "export.csv").products] == [TEXT]


@pytest.mark.parametrize(
    "text",
    [
        "Ruled pages [A5 size], stitched spine.",
        "Glass [clear], set of [2].",
        "Sizes [S, M, L], {FSC} oak.",
        "Bench [hand-made] of [solid oak].",
        "Bench, 5/8 in. * 2 and 3/*4.",
        "Bench {a} of {b} oak.",
        "Bench [...] of oak.",
    ],
)
def test_a_person_s_brackets_stay(text: str) -> None:
    assert plain_lines(text) == text


@pytest.mark.parametrize(
    "hostile", ["/*", "/* &", "{a}", "[a_b", "[a https://", "{load ", "{{{", "[button]"]
)
def test_hostile_text_costs_time_in_proportion(hostile: str) -> None:
    assert measure_growth(plain_lines, hostile) < 30
