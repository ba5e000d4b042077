import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_assets.publishing.channels import Profile
from flux_assets.publishing.profile import (
    build_rendition_id,
    digest_profile,
    mark_of,
    resolve,
)

SQUARE = Profile(name="square", width_px=1500, height_px=1500)
SHA = "a" * 64


def _profile(fit: str = "contain", size: tuple[int, int] = (1080, 1350), **more: object) -> Profile:
    return dataclasses.replace(SQUARE, fit=fit, width_px=size[0], height_px=size[1], **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("profile", "master", "crop", "size", "canvas"),
    [
        (SQUARE, (3000, 2000), (0, 0, 3000, 2000), (1500, 1000), (1500, 1000)),
        (SQUARE, (1024, 1024), (0, 0, 1024, 1024), (1024, 1024), (1024, 1024)),
        (_profile("cover"), (2000, 2000), (200, 0, 1800, 2000), (1080, 1350), (1080, 1350)),
        (_profile("cover"), (1024, 1024), (102, 0, 921, 1024), (819, 1024), (819, 1024)),
        (_profile("cover"), (1080, 1350), (0, 0, 1080, 1350), (1080, 1350), (1080, 1350)),
        (_profile("pad"), (2000, 2000), (0, 0, 2000, 2000), (1080, 1080), (1080, 1350)),
        (_profile("pad"), (540, 540), (0, 0, 540, 540), (540, 540), (540, 675)),
        (_profile(upscale=True), (540, 540), (0, 0, 540, 540), (1080, 1080), (1080, 1080)),
        (
            _profile("cover", upscale=True),
            (540, 540),
            (54, 0, 486, 540),
            (1080, 1350),
            (1080, 1350),
        ),
        (_profile("pad", upscale=True), (540, 540), (0, 0, 540, 540), (1080, 1080), (1080, 1350)),
    ],
)
def test_a_recipe_is_resolved_to_pixels(
    profile: Profile,
    master: tuple[int, int],
    crop: tuple[int, ...],
    size: tuple[int, int],
    canvas: tuple[int, int],
) -> None:
    recipe = resolve(profile, *master)
    assert (recipe.crop, recipe.size, recipe.canvas) == (crop, size, canvas)


sides = st.integers(min_value=1, max_value=5_000)
targets = st.integers(min_value=16, max_value=3_000)


@given(sides, sides, targets, targets, st.sampled_from(["contain", "cover", "pad"]), st.booleans())
def test_no_recipe_is_larger_than_asked_for_or_scaled_up_unasked(  # noqa: PLR0917 - hypothesis
    width: int,
    height: int,
    to_width: int,
    to_height: int,
    fit: str,
    upscale: bool,  # noqa: FBT001
) -> None:
    profile = _profile(fit, (to_width, to_height), upscale=upscale)
    recipe = resolve(profile, width, height)
    left, top, right, bottom = recipe.crop
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert 1 <= recipe.canvas[0] <= to_width
    assert 1 <= recipe.canvas[1] <= to_height
    assert recipe.placed[0] >= 0
    assert recipe.placed[2] <= recipe.canvas[0]
    assert recipe.placed[3] <= recipe.canvas[1]
    assert upscale or not recipe.is_upscaled


def test_two_profiles_that_make_the_same_file_share_it() -> None:
    other = dataclasses.replace(SQUARE, name="other", width_px=2048, height_px=2048)
    small = [build_rendition_id(SHA, resolve(it, 1024, 1024), "x") for it in (SQUARE, other)]
    large = [build_rendition_id(SHA, resolve(it, 4096, 4096), "x") for it in (SQUARE, other)]
    assert small[0] == small[1]
    assert large[0] != large[1]


def test_what_makes_another_file_has_another_name() -> None:
    changed = [
        dataclasses.replace(SQUARE, quality=70),
        dataclasses.replace(SQUARE, chroma="4:4:4"),
        dataclasses.replace(SQUARE, format="webp"),
        dataclasses.replace(SQUARE, background="#000000"),
    ]
    recipes = [resolve(it, 800, 600) for it in (SQUARE, *changed)]
    names = {build_rendition_id(SHA, recipe, "x") for recipe in recipes}
    names |= {build_rendition_id("b" * 64, recipes[0], "x")}
    names |= {build_rendition_id(SHA, recipes[0], "y")}
    assert len(names) == 7
    assert all(len(name) == 32 for name in names)
    assert len({digest_profile(it, "x") for it in (SQUARE, *changed)}) == 5


def test_a_profile_s_name_changes_nothing_that_is_made() -> None:
    renamed = dataclasses.replace(SQUARE, name="other")
    assert digest_profile(renamed, "x") == digest_profile(SQUARE, "x")


def test_every_rendition_is_marked_as_google_asks_unless_the_profile_says_otherwise() -> None:
    of_photo = "compositeWithTrainedAlgorithmicMedia"
    assert mark_of(SQUARE, of_photo) == "trainedAlgorithmicMedia"
    assert mark_of(dataclasses.replace(SQUARE, mark="as_recorded"), of_photo) == of_photo
