"""Draws the stand-in pictures: a still life that the call's parameters and photo alone decide."""

import io
import math
from typing import Literal

from PIL import Image, ImageDraw, ImageFilter

from flux_assets.image_api.simulator.composition import place_product
from flux_assets.image_api.simulator.photos import cut_out, open_photo
from flux_assets.image_api.simulator.scenes import (
    WHITE,
    Scene,
    draw_backdrop,
    draw_shadow,
    draw_words,
    imagine_scene,
    mix_colors,
)
from flux_assets.image_api.simulator.silhouettes import Shape

MATCH_INPUT_IMAGE = "match_input_image"

_PIXELS_PER_MEGAPIXEL = 1024 * 1024
_LARGE_MEGAPIXELS = 0.5


def draw_picture(
    *,
    prompt: str,
    seed: int,
    aspect_ratio: str,
    megapixels: float,
    output_format: str,
    output_quality: int,
    photo: bytes | None = None,
) -> bytes:
    """The same encoded picture for the same arguments; `output_quality` counts for JPEG only.

    With a photo, its product takes the place of the object that the prompt names, and the prompt
    has its say in the scene instead.

    Raises:
        PhotoError: the photo cannot be decoded.
    """
    if photo is None:
        scene = imagine_scene(prompt, str(seed))
        image = draw_backdrop(picture_size(aspect_ratio, megapixels), scene)
        _draw_object(image, scene)
    else:
        scene = imagine_scene(prompt, f"{seed} {prompt}")
        opened = open_photo(photo, round(math.sqrt(megapixels * _PIXELS_PER_MEGAPIXEL)))
        if aspect_ratio == MATCH_INPUT_IMAGE:
            size = matching_size(opened.size, megapixels)
        else:
            size = picture_size(aspect_ratio, megapixels)
        image = draw_backdrop(size, scene)
        place_product(image, scene, cut_out(opened))
    draw_words(image, prompt)
    encoded = io.BytesIO()
    if output_format == "jpg":
        image.save(encoded, "JPEG", quality=max(1, output_quality))
    else:
        image.save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def spoil_picture(data: bytes, how: Literal["black_picture", "blurred_picture"]) -> bytes:
    """A picture of which moderation lets nothing be seen, in the same format."""
    with Image.open(io.BytesIO(data)) as image:
        blurred = image.convert("RGB").filter(ImageFilter.GaussianBlur(max(image.size) / 20))
        spoilt = Image.new("RGB", image.size) if how == "black_picture" else blurred
        encoded = io.BytesIO()
        spoilt.save(encoded, image.format)
    return encoded.getvalue()


def picture_size(aspect_ratio: str, megapixels: float) -> tuple[int, int]:
    """Width and height in pixels, multiples of 16, for a ratio like `4:5`.

    As with the vendor's models, sides of large pictures are rounded down to a grid, so their
    ratio is only near (896 x 1088 for 4:5). Small pictures keep the ratio exactly.
    """
    across, down = (int(part) for part in aspect_ratio.split(":"))
    pixels = megapixels * _PIXELS_PER_MEGAPIXEL
    if megapixels < _LARGE_MEGAPIXELS:
        times = max(1, round(math.sqrt(pixels / (across * down)) / 16))
        return 16 * across * times, 16 * down * times
    return _on_grid(across / down, pixels)


def matching_size(photo_size: tuple[int, int], megapixels: float) -> tuple[int, int]:
    """Width and height in pixels, on the grid of `picture_size`, for a photo's ratio.

    Ratios beyond 4:1 and 1:4 become these. Small pictures come as near to the ratio as multiples
    of 16 can.
    """
    ratio = min(4.0, max(0.25, photo_size[0] / photo_size[1]))
    pixels = megapixels * _PIXELS_PER_MEGAPIXEL
    if megapixels >= _LARGE_MEGAPIXELS:
        return _on_grid(ratio, pixels)
    rows = math.sqrt(pixels / ratio) / 16
    sizes = [
        (max(1, round(down * ratio)), down)
        for down in range(max(1, round(rows * 0.8)), round(rows * 1.3) + 2)
    ]
    across, down = min(sizes, key=lambda size: abs(math.log(size[0] / size[1] / ratio)))
    return 16 * across, 16 * down


def _on_grid(ratio: float, pixels: float) -> tuple[int, int]:
    width = math.sqrt(pixels * ratio)
    return int(width // 64) * 64, int(pixels / width // 64) * 64


def _draw_object(image: Image.Image, scene: Scene) -> None:
    width, height = image.size
    side = round(scene.scale * min(width, height * 0.94))
    left = (width - side) // 2
    bottom = round(height * (scene.horizon + 0.14))
    body, accent = _draw_masks(scene.silhouette, side)
    draw_shadow(image, body, scene, left, bottom)
    # A horizontal ramp, brightest towards the light, makes the flat outline look round.
    lit = 0.3 + 0.4 * scene.light_x
    ramp = Image.new("L", (side, 1))
    ramp.putdata([round(127 + 127 * math.cos(4 * (x / side - lit))) for x in range(side)])
    ramp = ramp.resize((side, side), Image.Resampling.NEAREST)
    for mask, color in ((body, scene.body), (accent, scene.accent)):
        bright, dark = mix_colors(color, WHITE, 0.32), mix_colors(color, (20, 18, 30), 0.34)
        channels = [
            ramp.point([round(d + (b - d) * v / 255) for v in range(256)])
            for b, d in zip(bright, dark, strict=True)
        ]
        image.paste(Image.merge("RGB", channels), (left, bottom - side), mask)


def _draw_masks(silhouette: tuple[Shape, ...], side: int) -> tuple[Image.Image, Image.Image]:
    """The body's and the accent's masks, with rounded, smooth edges."""
    fine = 2 * side
    body = Image.new("L", (fine, fine))
    accent = Image.new("L", (fine, fine))
    for shape in silhouette:
        draw = ImageDraw.Draw(accent if shape.part in {"accent", "slit"} else body)
        fill = 255 if shape.part in {"body", "accent"} else 0
        if shape.kind == "ellipse":
            draw.ellipse([(x * fine, y * fine) for x, y in shape.points], fill=fill)
        else:
            draw.polygon([(x * fine, y * fine) for x, y in shape.polygon()], fill=fill)
    return _rounded(body, side), _rounded(accent, side)


def _rounded(mask: Image.Image, side: int) -> Image.Image:
    blurred = mask.reduce(2).filter(ImageFilter.GaussianBlur(side / 130))
    steepness = max(1.0, side / 90)
    return blurred.point([max(0, min(255, round(128 + (v - 128) * steepness))) for v in range(256)])
