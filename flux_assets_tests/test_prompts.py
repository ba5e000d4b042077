from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.image_request import ImageRequest
from flux_assets.prompts import (
    MAX_PROMPT_CHARACTERS,
    Shot,
    build_requests,
    check_template,
    render_prompt,
    shot_parameters,
)

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
