import hashlib
from textwrap import dedent

import pytest

from flux_assets.errors import ShotsFileError
from flux_assets.image_api.parameters import PARAMETERS, ParameterValue
from flux_assets.prompts.requests import ConditionalPrompt, Shot
from flux_assets.prompts.shots import ShotsFile, read_shots
from flux_assets.prompts.templates import Condition

HERO = "shots:\n  hero:\n    prompt: '{{ title }}'\n"
PROMPTS = f"{HERO}    prompts:\n    - {{when: a,\n       prompt: b}}\n    -\n"


def _read(text: str) -> ShotsFile:
    return read_shots(text.encode(), "shots.yaml")


def _error(text: str | bytes) -> ShotsFileError:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ShotsFileError) as caught:
        read_shots(data, "shots.yaml")
    assert str(caught.value).startswith(f"shots.yaml, line {caught.value.line}: ")
    return caught.value


def test_a_whole_file_is_read_in_order_with_its_defaults_under_each_shot() -> None:
    text = dedent("""\
        defaults: {steps: 30, guidance: 3.0, output_format: jpg}
        columns: {product_id: article_no, title: Name, brand: null}
        shots:
          hero:
            prompt: "Photograph of {{ title }}"
            aspect_ratio: "1:1"
            version: 2
          banner:
            prompt: >-
              Wide photograph
              of {{ title }}
            aspect_ratio: 16:9
            steps: 50
            prompt_upsampling: true
        """)
    file = _read(text)
    assert file.name == "shots.yaml"
    assert file.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert file.columns == {"product_id": "article_no", "title": "Name", "brand": None}
    common: dict[str, ParameterValue] = {"guidance": 3, "output_format": "jpg"}
    assert file.shots == (
        Shot(
            name="hero",
            prompt="Photograph of {{ title }}",
            version=2,
            parameters={"steps": 30, **common, "aspect_ratio": "1:1"},
        ),
        Shot(
            name="banner",
            prompt="Wide photograph of {{ title }}",
            parameters={
                **common,
                "aspect_ratio": "16:9",
                "steps": 50,
                "prompt_upsampling": True,
            },
        ),
    )


def test_a_prompt_alone_is_enough() -> None:
    file = _read(HERO)
    assert file.shots == (Shot(name="hero", prompt="{{ title }}"),)
    assert file.columns == {}
    assert (file.one_set_per, file.include_unpublished) == ("product", False)


def test_conditions_keep_their_line_in_the_file() -> None:
    text = dedent("""\
        one_set_per: color
        include_unpublished: true
        shots:
          hero:
            prompt: "{{ title }}"
            only_if: category != 'Gift cards'
            prompts:
              - {when: "category == 'Rings'", prompt: "Macro photograph of {{ title }}"}
              - prompt: "{{ title }} in {{ color }}"
                when: >-
                  color
                  and brand
        """)
    file = _read(text)
    assert (file.one_set_per, file.include_unpublished) == ("color", True)
    assert file.shots == (
        Shot(
            name="hero",
            prompt="{{ title }}",
            prompts=(
                ConditionalPrompt(
                    when=Condition(text="category == 'Rings'", line=8),
                    prompt="Macro photograph of {{ title }}",
                ),
                ConditionalPrompt(
                    when=Condition(text="color and brand", line=10),
                    prompt="{{ title }} in {{ color }}",
                ),
            ),
            only_if=Condition(text="category != 'Gift cards'", line=6),
        ),
    )


def test_columns_may_name_what_a_row_is() -> None:
    columns = "{row_type: Typ, parent: Chef, published: null}"
    assert _read(f"columns: {columns}\n{HERO}").columns == {
        "row_type": "Typ",
        "parent": "Chef",
        "published": None,
    }


def test_columns_may_name_parameters_and_prompts_too() -> None:
    columns = "{seed: Zufall, steps: null, prompt_hero: Text}"
    assert _read(f"columns: {columns}\n{HERO}").columns == {
        "seed": "Zufall",
        "steps": None,
        "prompt_hero": "Text",
    }


def test_a_byte_order_mark_changes_nothing_but_the_sha256() -> None:
    assert _read("\ufeff" + HERO).shots == _read(HERO).shots


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_of_the_api_can_be_given_and_is_checked(name: str) -> None:
    assert "the API takes" in str(_error(f"{HERO}    {name}: surely-not\n"))
    assert "the API takes" in str(_error(f"defaults: {{{name}: surely-not}}\n{HERO}"))


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "shots: is required"),
        ("- hero\n", 1, "must hold keys with their values"),
        ("shots:\n", 1, "shots: must hold keys with their values"),
        ("defaults: {}\nshots: {}\n", 2, "at least one shot is required"),
        ("shots:\n  hero:\n", 2, "shots.hero: must hold keys with their values"),
        ("shots:\n  hero:\n    version: 2\n", 2, "shots.hero.prompt: is required"),
        ("shots:\n  Hero:\n    prompt: a\n", 2, "shots.Hero: a shot's name takes lower-case"),
        ("shots:\n  1st:\n    prompt: a\n", 2, "a shot's name takes lower-case"),
        (f"shots:\n  {'a' * 41}:\n    prompt: a\n", 2, "at most 40"),
        ("shots:\n  hero:\n    prompt: [a]\n", 3, "shots.hero.prompt: Input should be a valid"),
        ("shots:\n  hero:\n    prompt: {{ title }}\n", 3, "a prompt stands in quotes"),
        ("shots:\n  hero:\n    prompt: '{{ title'\n", 3, "line 1 of the template: unexpected"),
        ("shots:\n  hero:\n    prompt: '{{ title * 9 }}'\n", 3, "the operator * is not available"),
        (f"{HERO}    version: 0\n", 4, "shots.hero.version: Input should be greater"),
        (f"{HERO}    version: first\n", 4, "shots.hero.version: Input should be a valid integer"),
        (f"{HERO}    steps: 14\n", 4, "shots.hero.steps: '14' given; the API takes a whole"),
        (f"{HERO}    guidance: 5.5\n", 4, "the API takes a number from 2 to 5"),
        (f"{HERO}    aspect_ratio: 4:3\n", 4, "the API takes one of 1:1, 16:9, 9:16, 3:2"),
        (f"{HERO}    seed:\n", 4, "shots.hero.seed: None given; the API takes"),
        (f"\ndefaults: {{steps: 99}}\n{HERO}", 2, "defaults.steps: '99' given"),
        (f"{HERO}    aspect_ration: a\n", 4, "unknown key, did you mean aspect_ratio? known are"),
        (f"{HERO}    xyz: 3d\n", 4, "shots.hero.xyz: unknown key, known are aspect_ratio"),
        (f"defaults: {{sede: 1}}\n{HERO}", 1, "did you mean seed?"),
        (f"defaults: {{version: 1}}\n{HERO}", 1, "defaults.version: unknown key"),
        (f"columns: {{titel: name}}\n{HERO}", 1, "did you mean title? known are product_id"),
        (f"columns: {{title: [a]}}\n{HERO}", 1, "columns.title: Input should be a valid string"),
        (
            f"pages: 2\n{HERO}",
            1,
            "pages: unknown key, did you mean phrases? known are defaults, columns",
        ),
        (f"\none_set_per: variant\n{HERO}", 2, "one_set_per: Input should be 'product', 'color'"),
        (f"include_unpublished: some\n{HERO}", 1, "include_unpublished: Input should be a valid"),
        (f"{HERO}    only_if: category = 'Rings'\n", 4, "shots.hero.only_if: line 1 of the cond"),
        (f"{HERO}    only_if: ''\n", 4, "shots.hero.only_if: line 1 of the condition"),
        (f"{HERO}    only_if:\n", 4, "shots.hero.only_if: Input should be a valid string"),
        (f"defaults: {{only_if: title}}\n{HERO}", 1, "defaults.only_if: unknown key"),
        (f"{HERO}    prompts: a\n", 4, "shots.hero.prompts: Input should be a valid list"),
        (f"{HERO}    prompts:\n    - title\n", 5, "shots.hero.prompts.0: must hold keys"),
        (f"{HERO}    prompts:\n    -\n      when: a\n", 6, "shots.hero.prompts.0.prompt: is req"),
        (PROMPTS + "      if: b\n", 8, "prompts.1.if: unknown key, known are when, prompt"),
        (
            PROMPTS + "      when: b c\n      prompt: b\n",
            8,
            "prompts.1.when: line 1 of the condition",
        ),
        (PROMPTS + "      when: b\n      prompt: '{{'\n", 9, "prompts.1.prompt: line 1 of the te"),
        (f"{HERO}    prompt: b\n", 4, "shots.hero.prompt: stands here a second time"),
        (f"{HERO}  hero:\n    prompt: b\n", 4, "shots.hero: stands here a second time"),
        (f"a: &a {{steps: 30}}\nb: *a\n{HERO}", 2, "b: an anchor cannot be used again"),
        ("a: &a [*a]\n", 1, "an anchor cannot be used again"),
        ("a: 1\nb: !!python/object:os.system c\n", 2, "python/object:os.system is not available"),
        ("? [a]\n: b\n", 1, "a key must be plain text"),
        (f"{HERO}---\n{HERO}", 4, "found another document"),
        ("shots:\n  hero: 'a\n", 3, "found unexpected end of stream"),
        ("shots:\n\thero: a\n", 2, "cannot start any token"),
        ("shots:\n  hero:\n    prompt: \x07\n", 3, "special characters are not allowed"),
        (b"shots:\n  hero: \xff\n", 2, "is not UTF-8 text"),
        ("[" * 5_000, 1, "is nested too deeply"),
        ('shots:\n  hero:\n    prompt: "\\UFFFFFFFF"\n', 1, "an escape names no character"),
        ("shots:\n  hero:\n    prompt: 'a {{ \"\\ud83d\" }}'\n", 3, "a text has half a character"),
        ('shots:\n  hero:\n    prompt: "a \\ud83d\\ude00"\n', 3, r"'a \ud83d\ude00' has half a"),
        ('shots:\n  "\\ud83d":\n    prompt: a\n', 1, r"shots: '\ud83d' has half a character"),
    ],
)
def test_what_cannot_be_used_is_an_error_with_its_line(
    text: str | bytes, line: int, problem: str
) -> None:
    error = _error(text)
    assert problem in error.problem
    assert error.line == line


def test_the_first_of_several_errors_is_told() -> None:
    error = _error(f"defaults: {{steps: 99}}\n{HERO}    guidance: 9\n    other: 1\n")
    assert error.line == 1


def test_an_anchor_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert "an anchor cannot be used again" in str(_error("\n".join(lines)))
