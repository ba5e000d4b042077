"""Draws the stand-in pictures: a still life that depends on the call's parameters alone."""

import io
import math

from PIL import Image, ImageDraw, ImageFilter

from flux_assets.simulator.scenes import (
    WHITE,
    Scene,
    draw_backdrop,
    draw_shadow,
    draw_words,
    imagine_scene,
    mix_colors,
)
from flux_assets.simulator.silhouettes import Shape

_PIXELS_PER_MEGAPIXEL = 1024 * 1024


def draw_picture(
    *,
    prompt: str,
    seed: int,
    aspect_ratio: str,
    megapixels: float,
    output_format: str,
    output_quality: int,
) -> bytes:
    """The same encoded picture for the same arguments; `output_quality` counts for JPEG only."""
    size = picture_size(aspect_ratio, megapixels)
    scene = imagine_scene(prompt, str(seed))
    image = draw_backdrop(size, scene)
    _draw_object(image, scene)
    draw_words(image, prompt)
    encoded = io.BytesIO()
    if output_format == "jpg":
        image.save(encoded, "JPEG", quality=max(1, output_quality))
    else:
        image.save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def picture_size(aspect_ratio: str, megapixels: float) -> tuple[int, int]:
    """Width and height in pixels, multiples of 16, for a ratio like `4:5`.

    As with the vendor's models, sides of large pictures are rounded down to a grid, so their
    ratio is only near (896 x 1088 for 4:5). Small pictures keep the ratio exactly.
    """
    across, down = (int(part) for part in aspect_ratio.split(":"))
    pixels = megapixels * _PIXELS_PER_MEGAPIXEL
    if megapixels < 0.5:
        times = max(1, round(math.sqrt(pixels / (across * down)) / 16))
        return 16 * across * times, 16 * down * times
    width = math.sqrt(pixels * across / down)
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
