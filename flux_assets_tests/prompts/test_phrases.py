import pytest

from flux_assets.catalog.product import Product
from flux_assets.errors import ShotsFileError
from flux_assets.prompts.requests import render_prompt
from flux_assets.prompts.shots import read_shots

CHAIR = Product(product_id="1", title="Chair", line=2, color="red")
PHRASES = """
phrases:
  what: "{{ title }}{% if color %} in {{ color }}{% endif %}"
  whole: "{{ phrases.what }}, alone"
"""


def _read(text: str, phrases: str = PHRASES) -> str:
    (shot,) = read_shots(f"{phrases}\nshots: {{hero: {{prompt: {text!r}}}}}".encode(), "s").shots
    return render_prompt(shot, CHAIR)


def test_a_phrase_is_written_where_it_is_named() -> None:
    assert _read("{{ phrases.what }} on white") == "Chair in red on white"
    assert _read("a {{- phrases.what -}} b") == "aChair in redb"
    assert _read("{{ phrases.whole }}.") == "Chair in red, alone."


def test_a_prompt_with_phrases_is_the_prompt_that_is_written_out() -> None:
    (one,) = read_shots(
        f"{PHRASES}shots: {{a: {{prompt: '{{{{ phrases.what }}}}'}}}}".encode(), "s"
    ).shots
    assert one.prompt == "{{ title }}{% if color %} in {{ color }}{% endif %}"


@pytest.mark.parametrize(
    ("text", "phrases", "told"),
    [
        ("{{ phrases.wat }}", PHRASES, "there is no phrase 'wat' above; known are what, whole"),
        (
            "{{ phrases.a }}",
            "phrases: {a: '{{ phrases.b }}', b: x}",
            "there is no phrase 'b' above",
        ),
        ("x", "phrases: {A: x}", "a phrase's name takes lower-case letters"),
        ("x", "phrases: {a: '{{'}", "phrases.a: line 1 of the template"),
        ("x", "phrases: [a]", "phrases: must hold keys"),
        ("x", "scenes: {Kitchn & Dining: x}", "no category 'Kitchn & Dining'"),
    ],
)
def test_what_is_no_phrase_or_scene_is_an_error(text: str, phrases: str, told: str) -> None:
    with pytest.raises(ShotsFileError) as caught:
        _read(text, phrases)
    assert told in caught.value.problem


def test_phrases_of_phrases_cannot_grow_without_end() -> None:
    doubled = "\n".join(
        f"  p{number}: '{{{{ phrases.p{number - 1} }}}}{{{{ phrases.p{number - 1} }}}}'"
        for number in range(1, 40)
    )
    with pytest.raises(ShotsFileError, match="longer than 100,000 characters"):
        _read("{{ phrases.p39 }}", f"phrases:\n  p0: 0123456789\n{doubled}\n")
