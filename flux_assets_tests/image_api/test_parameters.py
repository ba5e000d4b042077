import pytest

from flux_assets.errors import ParameterError
from flux_assets.image_api.parameters import MAX_SEED, PARAMETERS, ParameterValue, parse_parameter


@pytest.mark.parametrize(
    ("name", "value", "canonical"),
    [
        ("guidance", 3, 3),
        ("guidance", 3.0, 3),
        ("guidance", "3", 3),
        ("guidance", " 3.0 ", 3),
        ("guidance", "3.5", 3.5),
        ("guidance", "2", 2),
        ("guidance", "5", 5),
        ("steps", "15", 15),
        ("steps", 50.0, 50),
        ("seed", "0", 0),
        ("seed", "00042", 42),
        ("seed", str(MAX_SEED), 4_294_967_295),
        ("output_quality", "100", 100),
        ("safety_tolerance", "6", 6),
        ("aspect_ratio", " 16:9 ", "16:9"),
        ("output_format", "jpg", "jpg"),
        ("prompt_upsampling", "TRUE", True),
        ("prompt_upsampling", False, False),
    ],
)
def test_a_value_has_one_canonical_form(
    name: str, value: object, canonical: ParameterValue
) -> None:
    parsed = parse_parameter(name, value)
    assert parsed == canonical
    assert type(parsed) is type(canonical)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("guidance", "1.99"),
        ("guidance", "5.01"),
        ("guidance", "nan"),
        ("guidance", "inf"),
        ("guidance", "high"),
        ("guidance", ""),
        ("guidance", True),
        ("guidance", None),
        ("steps", "14"),
        ("steps", "51"),
        ("steps", "20.5"),
        ("seed", "-1"),
        ("seed", 2**32),
        ("seed", 10**400),
        ("output_quality", "101"),
        ("safety_tolerance", "0"),
        ("aspect_ratio", "4:3"),
        ("aspect_ratio", 969),
        ("output_format", "PNG"),
        ("prompt_upsampling", "yes"),
        ("prompt_upsampling", 1),
    ],
)
def test_a_value_out_of_the_documented_range_is_an_error_that_says_the_range(
    name: str, value: object
) -> None:
    with pytest.raises(ParameterError) as caught:
        parse_parameter(name, value)
    assert str(caught.value) == f"{name} is {value!r}; the API takes {PARAMETERS[name].expected}"


def test_an_undocumented_name_is_an_error_that_lists_the_documented_ones() -> None:
    with pytest.raises(ParameterError, match="the API takes only aspect_ratio, output_format"):
        parse_parameter("negative_prompt", "text")


_RATIOS = "1:1, 16:9, 9:16, 3:2, 2:3, 4:5, 5:4"


def test_the_table_is_the_vendors() -> None:
    assert {name: (row.expected, row.default) for name, row in PARAMETERS.items()} == {
        "aspect_ratio": (f"one of {_RATIOS}, match_input_image", "1:1"),
        "output_format": ("one of png, jpg", "png"),
        "output_quality": ("a whole number from 0 to 100", 80),
        "steps": ("a whole number from 15 to 50", 50),
        "guidance": ("a number from 2 to 5", 3),
        "safety_tolerance": ("a whole number from 1 to 6", 2),
        "prompt_upsampling": ("true or false", False),
        "seed": ("a whole number from 0 to 4294967295", None),
    }
