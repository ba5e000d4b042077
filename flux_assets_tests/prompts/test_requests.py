from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.prompts.overrides import NO_OVERRIDES, OverridesFile, read_overrides
from flux_assets.prompts.requests import (
    MAX_PROMPT_CHARACTERS,
    ConditionalPrompt,
    Shot,
    Skipped,
    build_requests,
    render_prompt,
    shot_parameters,
)
from flux_assets.prompts.templates import Condition, check_template

PRODUCT = Product(
    product_id="00123",
    title="Lounge Chair",
    line=2,
    description="Low and wide. Ships flat.",
    category="Furniture",
    brand="Nordhem",
    material="Oak",
    price="449.00",
    image_url="https://shop.example/a.jpg",
    columns={"colour_code": "RAL 7016", "vintage": "", "tags": "wood,low,new"},
)


def _render(template: str, product: Product = PRODUCT) -> str:
    return render_prompt(Shot(name="hero", prompt=template), product)


def _error(template: str, product: Product = PRODUCT) -> PromptError:
    with pytest.raises(PromptError) as caught:
        _render(template, product)
    assert (caught.value.product_id, caught.value.shot) == (product.product_id, "hero")
    return caught.value


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("{{ product_id }} {{ title }}", "00123 Lounge Chair"),
        ("{{ category }}, {{ brand }}, {{ material }}", "Furniture, Nordhem, Oak"),
        ("{{ price }} {{ image_url }}", "449.00 https://shop.example/a.jpg"),
        ("{{ title }} in {{ colour_code }}", "Lounge Chair in RAL 7016"),
        ("{{ title | lower }}", "lounge chair"),
        ("{{ description.split('. ')[0] }}", "Low and wide"),
        ("{% for tag in tags.split(',') if tag != 'new' %}{{ tag }} {% endfor %}", "wood low"),
        ("{% set what = title %}A {{ what }}", "A Lounge Chair"),
        ("{{ {'Furniture': 'a room'}[category] | default('a home') }}", "a room"),
        ("{{ title }} & <b>", "Lounge Chair & <b>"),
        ("{{ 1 + 1 }} views", "2 views"),
    ],
)
def test_a_template_reads_the_products_fields_and_columns(template: str, prompt: str) -> None:
    assert _render(template) == prompt


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("{{ title }}{% if color %} in {{ color }}{% endif %}.", "Lounge Chair."),
        ("{{ title }}{{ ' in ' ~ color if color }}.", "Lounge Chair."),
        ("{{ color | default('red') }}", "red"),
        ("{% if color == '' and vintage != 'yes' %}plain{% endif %}", "plain"),
        ("{% if 'red' in color %}red{% else %}other{% endif %}", "other"),
        ("{% if color is defined %}painted{% else %}raw{% endif %}", "raw"),
        ("{{ {'Red': 'bold'}[color] | default('calm') }}", "calm"),
        ("{% for word in vintage %}{{ word }}{% else %}new{% endfor %}", "new"),
        ("{% if colour is defined %}{{ colour }}{% endif %}x", "x"),
    ],
)
def test_an_empty_field_can_be_asked_for(template: str, prompt: str) -> None:
    assert _render(template) == prompt


@pytest.mark.parametrize(
    "template",
    [
        "{{ title }} in {{ color }}",
        "{{ 'in ' ~ color }}",
        "{{ color | lower }}",
        "{{ color.upper() }}",
        "{{ color[:3] }}",
    ],
)
def test_an_empty_field_cannot_leave_a_hole_in_a_paid_prompt(template: str) -> None:
    error = _error(template)
    assert error.field == "color"
    assert "the field 'color' is empty" in str(error)
    assert "{% if color %}...{% endif %}" in str(error)


def test_an_empty_column_is_an_empty_field_too() -> None:
    assert _error("{{ vintage }}").field == "vintage"


@pytest.mark.parametrize(
    "template", ["{{ colour }}", "{% if colour %}x{% endif %}", "{{ colour.upper() }}"]
)
def test_a_field_that_is_not_there_names_product_shot_field_and_near_matches(
    template: str,
) -> None:
    error = _error(template)
    assert error.field == "colour"
    assert str(error) == (
        "product '00123', shot 'hero': there is no field 'colour'; near it: color, colour_code"
    )


def test_a_field_without_near_matches_lists_what_there_is() -> None:
    error = _error("{{ weight }}")
    assert "there are: product_id, title, description, category, brand" in str(error)
    assert str(error).endswith("colour_code, vintage, tags")


@pytest.mark.parametrize("template", ["{{ line }}", "{{ columns }}", "{{ range }}"])
def test_a_template_sees_nothing_but_fields(template: str) -> None:
    assert "there is no field" in str(_error(template))


def test_a_missing_attribute_is_named() -> None:
    assert "has no attribute 'colour'" in str(_error("{{ title.colour }}"))


@pytest.mark.parametrize(
    "template",
    [
        "{{ title.__class__ }}",
        "{{ title['__class__'] }}",
        "{{ title.upper }}",
        "{{ title.format }}",
        "{{ [title] }}",
        "{{ none }}",
        "{{ self }}",
        "{{ 1 / 0 }}",
        "{{ title + 1 }}",
        "{{ {}[[]] }}",
        "{{ title | truncate(1) }}",
        "{{ title.split('') }}",
        "{{ ('9' ~ '9') | int + title }}",
    ],
)
def test_what_fails_while_rendering_is_a_prompt_error(template: str) -> None:
    check_template(template)
    assert "cannot be rendered" in str(_error(template))


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' * 10**9 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{{ 'x' | center(1000000000) }}",
        "{% for i in range(10**9) %}{% endfor %}",
        "{% for i in range(1000000000) %}{% endfor %}",
        "{% for a in title %}{% for b in title %}{% endfor %}{% endfor %}",
        "{% for a in title recursive %}{{ loop(title) }}{% endfor %}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% set all = namespace(text='x') %}",
        "{{ title | random }}",
        "{{ [].append(1) }}",
        "{% include 'other' %}",
        "{% import 'os' as os %}",
        "{{ title",
        "{% if title %}",
        "{{ title | lowercase }}",
        "{{" + "(" * 5_000 + "1" + ")" * 5_000 + "}}",
        "{% if title %}" * 200 + "{% endif %}" * 200,
    ],
)
def test_what_could_run_on_or_grow_is_refused_before_it_runs(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        check_template(template)
    assert "template" in str(_error(template))


def test_a_broken_template_names_its_line() -> None:
    with pytest.raises(ValueError, match=r"line 2 of the template: .*endfor"):
        check_template("{{ title }}\n{% endfor %}")


def test_a_loop_stops_once_it_has_written_too_much() -> None:
    product = replace(PRODUCT, description="x" * 1_000_000)
    error = _error("{% for a in description %}{{ description }}{% endfor %}", product)
    assert "longer than 4,000 characters" in str(error)


def test_white_space_of_every_kind_becomes_one_blank() -> None:
    product = replace(PRODUCT, title="\u00a0Lounge \r\n\u2009 Chair\t")
    assert _render("\n  A\u3000{{ title }} \u2028\n", product) == "A Lounge Chair"


def test_text_is_composed() -> None:
    assert _render("{{ title }}", replace(PRODUCT, title="E\u0301toile")) == "\u00c9toile"


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_catalog_text_gives_a_normal_prompt(title: str, color: str) -> None:
    product = replace(PRODUCT, title=title, color=color)
    prompt = _render("A{% if title %} {{ title }}{% endif %}{{ color | default('') }}", product)
    assert prompt == " ".join(prompt.split())
    assert render_prompt(Shot(name="hero", prompt="x"), product) == "x"


def test_catalog_text_is_never_a_template() -> None:
    product = replace(PRODUCT, title="{{ 7 + 7 }}", columns={"prompt_hero": "{{ title }} {% if %}"})
    assert _render("{{ title }}") == "Lounge Chair"
    assert _render("{{ title }}", replace(product, columns={})) == "{{ 7 + 7 }}"
    assert _render("{{ title }}", product) == "{{ title }} {% if %}"


@pytest.mark.parametrize("template", ["", " \n\u00a0", "{% if color %}{{ color }}{% endif %}"])
def test_an_empty_prompt_is_an_error(template: str) -> None:
    assert "the prompt is empty" in str(_error(template))


def test_a_prompt_may_be_as_long_as_the_limit_and_no_longer() -> None:
    longest = replace(PRODUCT, title="x" * MAX_PROMPT_CHARACTERS)
    assert len(_render(" {{ title }} ", longest)) == MAX_PROMPT_CHARACTERS
    assert "longer than 4,000 characters" in str(_error("{{ title }}y", longest))


def test_a_products_own_prompt_replaces_the_template_of_that_shot_alone() -> None:
    product = replace(PRODUCT, columns={"prompt_hero": "  Just\n this ", "prompt_banner": " "})
    assert _render("{{ nothing }}", product) == "Just this"
    assert render_prompt(Shot(name="banner", prompt="{{ title }}"), product) == "Lounge Chair"


def test_a_products_own_prompt_is_measured_too() -> None:
    too_long = replace(PRODUCT, columns={"prompt_hero": "x" * (MAX_PROMPT_CHARACTERS + 1)})
    assert "longer than" in str(_error("{{ title }}", too_long))


def test_a_products_columns_lie_over_the_shots_parameters() -> None:
    shot = Shot(name="hero", prompt="x", parameters={"steps": 30, "guidance": 4})
    product = replace(PRODUCT, columns={"guidance": "3.0", "seed": "7", "steps": " ", "size": "L"})
    assert shot_parameters(shot, product) == {"steps": 30, "guidance": 3, "seed": 7}
    assert shot.parameters == {"steps": 30, "guidance": 4}


def test_a_bad_parameter_column_is_a_prompt_error() -> None:
    shot = Shot(name="hero", prompt="x")
    with pytest.raises(PromptError, match="column guidance is '9'; the API takes") as caught:
        shot_parameters(shot, replace(PRODUCT, columns={"guidance": "9"}))
    assert caught.value.field == "guidance"


def test_requests_come_one_per_product_and_shot_in_order_with_the_failures_among_them() -> None:
    shots = [
        Shot(name="hero", prompt="{{ title }} in {{ color }}", version=2),
        Shot(name="banner", prompt="Wide {{ title }}", parameters={"aspect_ratio": "16:9"}),
    ]
    products = [
        PRODUCT,
        replace(PRODUCT, product_id="2", color="red", columns={"steps": "99"}),
        replace(PRODUCT, product_id="3", color="red"),
    ]
    results = list(build_requests(products, shots))
    assert [
        (result.product_id, result.shot, isinstance(result, ImageRequest)) for result in results
    ] == [
        ("00123", "hero", False),
        ("00123", "banner", True),
        ("2", "hero", False),
        ("2", "banner", False),
        ("3", "hero", True),
        ("3", "banner", True),
    ]
    hero, banner = results[-2:]
    assert isinstance(hero, ImageRequest)
    assert isinstance(banner, ImageRequest)
    assert (hero.prompt, hero.shot_version) == ("Lounge Chair in red", 2)
    assert banner.prompt_object["aspect_ratio"] == "16:9"


SHOP = [
    replace(PRODUCT, product_id="1", category="Rings"),
    replace(PRODUCT, product_id="2", category="Chains"),
    replace(PRODUCT, product_id="3", category=""),
]
HERO = Shot(name="hero", prompt="{{ title }} on white")
WIDE = Shot(name="wide", prompt="Wide {{ title }}", parameters={"seed": 5})


def _overrides(*rows: str) -> OverridesFile:
    return read_overrides(
        "\n".join(["product_id,shot,take,seed,prompt,pin,skip", *rows]).encode(), "o"
    )


def _requests(
    *shots: Shot, overrides: OverridesFile = NO_OVERRIDES
) -> dict[tuple[str, str], ImageRequest]:
    return {
        (result.product_id, result.shot): result
        for result in build_requests(SHOP, shots, overrides)
        if isinstance(result, ImageRequest)
    }


def _changed(
    before: dict[tuple[str, str], ImageRequest], after: dict[tuple[str, str], ImageRequest]
) -> set[tuple[str, str]]:
    assert before.keys() == after.keys()
    return {key for key in before if before[key].fingerprint != after[key].fingerprint}


def _when(condition: str, prompt: str) -> ConditionalPrompt:
    return ConditionalPrompt(when=Condition(text=condition, line=9), prompt=prompt)


def test_a_product_that_does_not_meet_the_shots_condition_is_skipped_and_no_error() -> None:
    picky = replace(HERO, only_if=Condition(text="category != 'Rings'", line=4))
    first, *others = build_requests(SHOP, [picky])
    assert first == Skipped(product_id="1", shot="hero", reason="only_if")
    assert others == [_requests(HERO)["2", "hero"], _requests(HERO)["3", "hero"]]


def test_a_condition_that_fails_is_an_error_and_no_skip() -> None:
    broken = replace(HERO, only_if=Condition(text="category and categry", line=4))
    *errors, last = build_requests(SHOP, [broken])
    assert [str(error) for error in errors if isinstance(error, PromptError)] == [
        f"product '{product_id}', shot 'hero': the condition in line 4 of the shots file: "
        "there is no field 'categry'; near it: category"
        for product_id in ("1", "2")
    ]
    assert last == Skipped(product_id="3", shot="hero", reason="only_if")


def test_the_first_condition_that_is_met_gives_the_prompt() -> None:
    shot = replace(
        HERO,
        prompts=(
            _when("category == 'Rings'", "Macro {{ title }}"),
            _when("category", "{{ title }} from {{ category }}"),
        ),
    )
    assert [request.prompt for request in _requests(shot).values()] == [
        "Macro Lounge Chair",
        "Lounge Chair from Chains",
        "Lounge Chair on white",
    ]


def test_a_failing_condition_of_a_prompt_is_an_error_with_its_line() -> None:
    shot = replace(HERO, prompts=(_when("categry == 'Rings'", "Macro {{ title }}"),))
    with pytest.raises(PromptError, match="the condition in line 9 of the shots file") as caught:
        render_prompt(shot, PRODUCT)
    assert caught.value.field == "categry"


def test_a_products_own_prompt_asks_no_condition_of_the_prompts() -> None:
    shot = replace(HERO, prompts=(_when("nothing", "Macro {{ title }}"),))
    assert render_prompt(shot, replace(PRODUCT, columns={"prompt_hero": "Mine"})) == "Mine"


def test_an_override_lies_over_the_products_own_columns_and_the_shot() -> None:
    product = replace(PRODUCT, columns={"prompt_wide": "Column", "seed": "7", "steps": "20"})
    overrides = _overrides("00123,wide,,9,  {{ Over }}\u00a0 it ,,")
    (request,) = build_requests([product], [WIDE], overrides)
    assert isinstance(request, ImageRequest)
    assert (request.prompt, request.seed, request.take) == ("{{ Over }} it", 9, 1)
    assert request.prompt_object["steps"] == 20


def test_a_take_asks_for_another_picture_with_the_same_words() -> None:
    before = _requests(HERO, WIDE)
    after = _requests(HERO, WIDE, overrides=_overrides("2,,3,,,,"))
    assert _changed(before, after) == {("2", "hero"), ("2", "wide")}
    for key in (("2", "hero"), ("2", "wide")):
        assert after[key].take == 3
        assert after[key].prompt == before[key].prompt
        assert after[key].seed != before[key].seed, "a given seed moves too"


def test_a_skipped_product_is_neither_bought_nor_an_error() -> None:
    broken = replace(HERO, prompt="{{ nothing }}")
    overrides = _overrides("1,,,,,,x", "2,hero,,not a seed,,,yes", "3,hero,,,,,x")
    results = list(build_requests(SHOP, [broken, WIDE], overrides))
    assert [result for result in results if isinstance(result, Skipped)] == [
        Skipped(product_id="1", shot="hero", reason="skip"),
        Skipped(product_id="1", shot="wide", reason="skip"),
        Skipped(product_id="2", shot="hero", reason="skip"),
        Skipped(product_id="3", shot="hero", reason="skip"),
    ]
    assert [result for result in results if isinstance(result, PromptError)] == []


def test_an_override_that_cannot_be_read_buys_nothing_in_its_place() -> None:
    overrides = _overrides("1,hero,two,,Over it,,", "2,,,,,zz,", "3,hero,,,,,x", "3,hero,2,,,,")
    results = list(build_requests(SHOP, [HERO, WIDE], overrides))
    errors = [str(result) for result in results if isinstance(result, PromptError)]
    start, *others = [error.partition(";")[0] for error in errors]
    assert start == "product '1', shot 'hero': line 2 of the overrides: take is 'two'"
    assert others == [
        f"product '2', shot '{shot}': line 3 of the overrides: pin is 'zz'"
        for shot in ("hero", "wide")
    ]
    assert results[1] == _requests(WIDE)["1", "wide"]
    assert results[4] == Skipped(product_id="3", shot="hero", reason="skip")


def test_another_prompt_for_one_category_changes_the_fingerprints_of_that_category_alone() -> None:
    def with_prompts(*prompts: ConditionalPrompt) -> dict[tuple[str, str], ImageRequest]:
        return _requests(replace(HERO, prompts=prompts), WIDE)

    rings, chains = "category == 'Rings'", "category == 'Chains'"
    before = with_prompts(_when(rings, "Macro {{ title }}"), _when(chains, "{{ title }}, hung"))
    assert _changed(_requests(HERO, WIDE), before) == {("1", "hero"), ("2", "hero")}
    after = with_prompts(_when(rings, "Close {{ title }}"), _when(chains, "{{ title }}, hung"))
    assert _changed(before, after) == {("1", "hero")}
    fewer = with_prompts(_when(rings, "Macro {{ title }}"))
    assert _changed(before, fewer) == {("2", "hero")}


def test_a_condition_changes_no_fingerprint_of_what_it_lets_through() -> None:
    conditional = replace(
        HERO,
        only_if=Condition(text="title", line=4),
        prompts=(_when("brand == 'Other'", "Not {{ title }}"),),
    )
    assert _requests(conditional, WIDE) == _requests(HERO, WIDE)


@pytest.mark.parametrize("values", ["2,,,,", ",7,,,", ",,Just this,,", "2,7,Just this,,"])
def test_an_override_changes_the_fingerprint_of_its_product_and_shot_alone(values: str) -> None:
    before = _requests(HERO, WIDE)
    after = _requests(HERO, WIDE, overrides=_overrides(f"2,hero,{values}", "9,hero,5,,,,"))
    assert _changed(before, after) == {("2", "hero")}


@pytest.mark.parametrize("row", ["1,hero,1,,,,", "1,hero,,,,deadbeef,", "1,hero,,,,,no", "1,,,,,,"])
def test_what_asks_for_nothing_else_changes_no_fingerprint(row: str) -> None:
    assert _requests(HERO, WIDE, overrides=_overrides(row)) == _requests(HERO, WIDE)


def test_no_overrides_file_and_an_empty_one_are_the_same() -> None:
    empty = [read_overrides(data, "o") for data in (b"", b"\xef\xbb\xbf\r\n", b"product_id,shot\n")]
    assert empty == [NO_OVERRIDES] * 3
    assert _requests(HERO, WIDE, overrides=_overrides()) == _requests(HERO, WIDE)
