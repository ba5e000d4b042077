import pytest

from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.prompts import templates
from flux_assets.prompts.templates import Condition, check_template, is_met
from flux_assets.prompts.text_growth import MAX_TEXT_CHARS

PRODUCT = Product(
    product_id="00123", title="Signet Ring", line=2, brand="Nordhem", columns={"tags": "gold,new"}
)
LONG = "x" * 3_000
TOO_LONG = "a text would be longer than 2,000,000 characters"


def render(template: str) -> str:
    return templates.render(template, PRODUCT, shot="hero", max_characters=MAX_TEXT_CHARS)


def refuse(template: str) -> str:
    with pytest.raises(PromptError) as caught:
        render(template)
    return str(caught.value)


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("{{ title ~ ' by ' ~ brand }}", "Signet Ring by Nordhem"),
        ("{{ title + '!' }}", "Signet Ring!"),
        ("{{ 1 ~ (2 + 3) }}", "15"),
        ("{{ [title, brand] | join(', ') }}", "Signet Ring, Nordhem"),
        ("{{ tags.split(',') | join(' and ') }}", "gold and new"),
        ("{{ title | replace('Ring', 'Seal') | replace('e', 'i', 1) }}", "Signit Seal"),
        ("{{ title.replace('Ring', brand) }}", "Signet Nordhem"),
        ("{% set a, b = title, brand %}{{ b ~ a }}", "NordhemSignet Ring"),
        ("{% set all = [title, brand] | join('-') %}{{ all }}", "Signet Ring-Nordhem"),
        ("{% set ours = brand in ['a', brand] %}{{ ours }}", "True"),
        ("{% set kinds = ['Seal', 'Ring'] %}{{ kinds[1] }}", "Ring"),
    ],
)
def test_a_text_is_put_together_as_ever(template: str, prompt: str) -> None:
    assert render(template) == prompt


@pytest.mark.parametrize(
    "template",
    [
        "{% set x = title %}" + "{% set x = x ~ x %}" * 60 + "{{ x | length }}",
        "{% set x = title %}" + "{% set x = x + x %}" * 60 + "{{ x | length }}",
        "{% set x = title %}" + "{% set x = [x, x] | join %}" * 60 + "{{ x | length }}",
        "{% set x = title | list %}" + "{% set x = x + x %}" * 60 + "{{ x | length }}",
        "{% set x = title | list %}" + "{% set x = x | join(x ~ x) | list %}" * 60,
        "{{ title" + f".replace('', '{LONG}')" * 4 + " | length }}",
        "{{ title" + f" | replace('', '{LONG}')" * 4 + " | length }}",
        f"{{{{ '{LONG}' | replace('x', '{LONG}') | replace('x', '{LONG}') | length }}}}",
        "{% for a in title" + ".replace('', title)" * 12 + " %}{% endfor %}",
    ],
)
def test_no_text_grows_beyond_what_memory_is_for(template: str) -> None:
    check_template(template)
    assert TOO_LONG in refuse(template)


@pytest.mark.parametrize(
    "lists", ["{% set x = [x, x] %}", "{% set x = {'a': x} %}", "{% set x, y = [x, x], x %}"]
)
def test_lists_of_lists_are_refused_before_they_are_made(lists: str) -> None:
    template = "{% set x = title %}" + lists * 60 + "{{ x ~ '' }}"
    with pytest.raises(ValueError, match="a set of a list with values in it is not available"):
        check_template(template)


def test_a_condition_is_as_limited() -> None:
    text = "title" + f".replace('', '{LONG}')" * 4 + " == ''"
    with pytest.raises(PromptError, match=TOO_LONG):
        is_met(Condition(text=text, line=7), PRODUCT, shot="hero")


@pytest.mark.parametrize(
    "trick",
    [
        "title | attr('__class__')",
        "title['__cla' ~ 'ss__']",
        "title.upper.__self__.__class__",
        "title.split.__globals__",
        "title.format_map",
        "'{0.__class__}' | format(title)",
        "[title] | join(attribute='__class__.__mro__')",
        "title | sort(attribute='__class__') | first",
        "[title] | unique(attribute='__init__.__globals__') | first",
        "title | map('attr', '__class__')",
        "self.__init__.__globals__",
        "self._TemplateReference__context",
        "cycler.__init__.__globals__.os",
        "lipsum.__globals__",
        "namespace()",
        "title.join",
        "(title ~ '').__len__()",
        "concatenate.__globals__",
    ],
)
def test_no_trick_reaches_pythons_own_objects(trick: str) -> None:
    assert "product '00123', shot 'hero'" in refuse(f"{{{{ {trick} }}}}")
    assert refuse(f"{{% for x in [1] %}}{{{{ {trick} }}}}{{% endfor %}}")
