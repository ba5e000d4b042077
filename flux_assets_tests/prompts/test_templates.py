import pytest

from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.prompts.templates import Condition, check_condition, is_met

PRODUCT = Product(
    product_id="00123",
    title="Signet Ring",
    line=2,
    category="Rings",
    price="449.00",
    columns={"vintage": "", "tags": "gold,new"},
)


def _holds(text: str) -> bool:
    return is_met(Condition(text=text, line=7), PRODUCT, shot="hero")


def _error(text: str) -> PromptError:
    with pytest.raises(PromptError) as caught:
        _holds(text)
    assert (caught.value.product_id, caught.value.shot) == ("00123", "hero")
    return caught.value


@pytest.mark.parametrize(
    "condition",
    [
        "category == 'Rings'",
        "category != 'Gift cards'",
        "category in ['Rings', 'Chains'] and not vintage",
        "category",
        "'ring' in title | lower",
        "title.startswith('Signet')",
        "price | float > 100",
        "'new' in tags.split(',')",
        "product_id == '00123'",
        "(category == 'Chains'\n  or category == 'Rings')",
        "title != '%} {{ title }}'",
        "1",
    ],
)
def test_a_condition_asks_the_products_fields_and_columns(condition: str) -> None:
    assert _holds(condition)
    assert not _holds(f"not ({condition})")


@pytest.mark.parametrize(
    "condition",
    [
        "brand == 'Nordhem'",
        "brand | lower == 'nordhem'",
        "brand.startswith('Nord')",
        "brand[:4] == 'Nord'",
        "'Nord' in brand",
        "brand in ['Nordhem']",
        "brand > 'Nord'",
        "vintage == 'yes'",
        "vintage | int > 0",
        "brand",
    ],
)
def test_a_field_without_a_value_is_the_empty_text_in_every_condition(condition: str) -> None:
    assert not _holds(condition)
    assert _holds("brand == '' and vintage == ''")


@pytest.mark.parametrize(
    "condition",
    [
        "brand is undefined",
        "not (brand is defined)",
        "vintage | default('no') == 'no'",
        "colour is undefined",
        "colour | default('red') == 'red'",
        "title is defined",
        "title | default('none') != 'none'",
    ],
)
def test_what_is_defined_in_a_condition_is_what_is_defined_in_a_template(condition: str) -> None:
    assert _holds(condition)


@pytest.mark.parametrize("condition", ["categry == 'Rings'", "categry", "not categry.upper()"])
def test_an_unknown_field_names_the_line_of_the_condition_and_near_matches(condition: str) -> None:
    error = _error(condition)
    assert error.field == "categry"
    assert str(error) == (
        "product '00123', shot 'hero': the condition in line 7 of the shots file: "
        "there is no field 'categry'; near it: category"
    )


@pytest.mark.parametrize(
    "condition", ["1 / 0", "title + 1", "title < 1", "title.__class__", "title.colour == 'a'"]
)
def test_what_fails_in_a_condition_names_its_line(condition: str) -> None:
    assert "the condition in line 7 of the shots file cannot be evaluated" in str(_error(condition))


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("category = 'Rings'", "line 1 of the condition: cannot be read from '=' on"),
        ("category ==\n'Rings' 'Chains' x", "line 2 of the condition: cannot be read from 'x' on"),
        ("{{ category == 'Rings' }}", "line 1 of the condition: expected token ':'"),
        ("category %}{% if title", "line 1 of the condition"),
        ("", "line 1 of the condition"),
        ("category == 'Rings", "line 1 of the condition"),
        ("category is near", "No test named 'near'"),
        ("category | random", "No filter named 'random'"),
        ("'x' * 10**9", "the operator * is not available"),
        ("title.format()", "of a text can be called"),
        ("range(3)", "of a text can be called"),
        ("(" * 5_000 + "1" + ")" * 5_000, "the condition is nested too deeply"),
    ],
)
def test_what_is_no_finite_condition_is_refused_before_it_is_asked(
    condition: str, problem: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is compared below
        check_condition(condition)
    assert problem in str(caught.value)
