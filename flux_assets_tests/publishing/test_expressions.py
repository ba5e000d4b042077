import pytest

from flux_assets.publishing.expressions import ask, check_expression, list_names

KNOWN = {"width_px": 600, "height_px": 400, "format": "jpg", "upscaled": False}


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("width_px >= 500 and height_px >= 500", False),
        ("width_px >= 500 or height_px >= 500", True),
        ("not upscaled", True),
        ("format in ['jpg', 'png']", True),
        ("format not in ('webp', 'avif')", True),
        ("format == 'png'", False),
        ("width_px / height_px == 1.5", True),
        ("width_px * 2 - height_px > 700 + 99", True),
        ("-width_px < 0", True),
        ("300 < height_px < 500", True),
        ("false", False),
        ("true", True),
    ],
)
def test_measures_are_compared_and_calculated_with(text: str, is_so: bool) -> None:  # noqa: FBT001
    check_expression(text)
    assert ask(text, KNOWN) is is_so


def test_what_is_unknown_decides_nothing_unless_it_need_not_be_asked() -> None:
    unknown = {"frame_share": None, "width_px": 600}
    assert ask("frame_share >= 0.85", unknown) is None
    assert ask("not frame_share >= 0.85", unknown) is None
    assert ask("width_px > 500 or frame_share >= 0.85", unknown) is True
    assert ask("width_px > 900 and frame_share >= 0.85", unknown) is False


def test_a_division_by_nothing_is_told() -> None:
    with pytest.raises(ValueError, match=r"width_px / size_bytes.* cannot be calculated"):
        ask("width_px / size_bytes > 1", {"width_px": 1, "size_bytes": 0})


def test_the_names_are_those_that_are_asked() -> None:
    assert list_names("width_px > 1 and (height_px > 2 or width_px > 3)") == (
        "width_px",
        "height_px",
    )
    assert list_names("upscaled") == ("upscaled",)
    assert list_names("true") == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "width_px >",
        "width_px > 1 }} {{ height_px",
        "width > 1",
        "self",
        "range(1000000000)",
        "format.upper() == 'JPG'",
        "format.__class__",
        "format['x']",
        "format|upper == 'JPG'",
        "width_px is defined",
        "'a' * 1000000000 == format",
        "format * 1000000000 == format",
        "(format or 'a') * 1000000000 == format",
        "[1] * 1000000000 == format",
        "width_px ** 1000000000 > 1",
        "width_px % 2 == 0",
        "format ~ format == 'a'",
        "{'a': 1} == format",
        "width_px if upscaled else height_px",
        f"width_px >= 1{'0' * 400}",
        f"width_px >= 1{'0' * 5000}",
        f"width_px in [1, -1{'0' * 400}]",
        "frame_share < 1e400",
        "(" * 5000 + "1" + ")" * 5000,
    ],
)
def test_what_does_more_than_compare_and_calculate_is_no_rule(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"expression|available|measure|numbers|nested|read|larger"
    ):
        check_expression(text)
