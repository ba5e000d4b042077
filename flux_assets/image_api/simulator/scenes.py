"""The scenes of the stand-in pictures: what prompt and seed decide, and all but the object.

The subject of the prompt (its longest run of capitalised words, usually the product's name)
decides the object and its colour, so that all pictures of one product resemble each other; the
mood, which is the seed or more, decides wall, table and light.
"""

import colorsys
import hashlib
import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from flux_assets.image_api.simulator.silhouettes import Shape, choose_silhouette

Color = tuple[int, int, int]


_SOFT = 8
WHITE: Color = (255, 255, 255)
_RIBBON = (118, 44, 60)
_NAMED_COLORS: dict[str, Color] = {
    "black": (46, 46, 52),
    "white": (236, 234, 228),
    "grey": (134, 138, 144),
    "gray": (134, 138, 144),
    "silver": (184, 188, 196),
    "gold": (206, 164, 82),
    "golden": (206, 164, 82),
    "red": (190, 52, 52),
    "maroon": (112, 34, 44),
    "pink": (226, 148, 166),
    "orange": (222, 126, 56),
    "yellow": (228, 192, 84),
    "green": (78, 128, 90),
    "olive": (122, 122, 68),
    "teal": (50, 124, 128),
    "blue": (62, 98, 164),
    "navy": (38, 52, 92),
    "purple": (118, 82, 144),
    "brown": (126, 84, 58),
    "beige": (214, 194, 164),
    "cream": (236, 224, 198),
}
_MATERIALS: tuple[Color, ...] = ((58, 54, 58), (240, 232, 216), (176, 124, 84), (196, 162, 96))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything about one picture that is drawn out of prompt and mood."""

    silhouette: tuple[Shape, ...]
    body: Color
    accent: Color
    wall: Color
    table: Color
    horizon: float
    light_x: float
    scale: float
    tilt_degrees: float
    turn: float


def imagine_scene(prompt: str, mood_name: str) -> Scene:
    """The scene of a prompt; equal moods give equal walls, tables and lights."""
    subject = _find_subject(prompt)
    thing = hashlib.sha256(subject.lower().encode()).digest()
    mood = hashlib.sha256(mood_name.encode()).digest()
    body = _find_color(subject, prompt) or _from_hls(thing[1] / 256, 0.4 + thing[2] / 1200, 0.42)
    contrasting = [material for material in _MATERIALS if abs(sum(material) - sum(body)) > 130]
    hue = mood[0] / 256
    return Scene(
        silhouette=choose_silhouette(subject, thing[0]),
        body=body,
        accent=contrasting[thing[3] % len(contrasting)],
        wall=_from_hls(hue, 0.78, 0.32),
        table=_from_hls(hue + 0.04 + mood[1] / 2560, 0.66, 0.26),
        horizon=0.62 + mood[2] / 2560,
        light_x=0.15 + 0.7 * mood[3] / 256,
        scale=0.52 + mood[4] / 2560,
        tilt_degrees=1.6 * (mood[5] / 127.5 - 1),
        turn=0.07 * (mood[6] / 127.5 - 1),
    )


def _find_subject(prompt: str) -> str:
    """The longest run of capitalised words that does not merely begin a sentence."""
    runs = re.findall(r"(?<=[a-z,;:] )[A-Z0-9][\w'&-]*(?: [A-Z0-9][\w'&-]*)*", prompt)
    return max(runs, key=len, default=prompt)


def _find_color(subject: str, prompt: str) -> Color | None:
    named = re.findall(r"\w+", subject.lower()) + re.findall(r"\bin (\w+)", prompt.lower())
    return next((_NAMED_COLORS[word] for word in named if word in _NAMED_COLORS), None)


def draw_backdrop(size: tuple[int, int], scene: Scene) -> Image.Image:
    """Wall, light and table, painted small and enlarged: softness costs nothing that way."""
    width, height = (max(8, side // _SOFT) for side in size)
    horizon = round(height * scene.horizon)
    small = Image.new("RGB", (width, height), scene.wall)
    draw = ImageDraw.Draw(small)
    for y in range(height):
        if y < horizon:
            shade = mix_colors(scene.wall, WHITE, 0.35 * y / horizon)
        else:
            nearness = (y - horizon) / (height - horizon)
            shade = mix_colors(mix_colors(scene.table, WHITE, 0.25), scene.table, nearness)
        draw.line([(0, y), (width, y)], fill=shade)
    glow = Image.radial_gradient("L").resize((2 * width, 2 * height))
    left = round(width * (1 - scene.light_x))
    glow = glow.crop((left, round(height * 0.7), left + width, round(height * 0.7) + height))
    small = Image.composite(_shaded(small, 0.86), small, glow.point(lambda v: v * 0.9))
    return small.resize(size, Image.Resampling.BICUBIC)


def draw_shadow(image: Image.Image, body: Image.Image, scene: Scene, left: int, y: int) -> None:
    """The shadow of a body whose square mask will have its lower edge at `y`."""
    side = body.width
    small = max(8, side // _SOFT)
    shadow = Image.new("L", (3 * small, small))
    # The foot of the body is as wide as its lowest pixels, the shadow falls away from the light.
    box = body.crop((0, round(side * 0.8), side, side)).getbbox() or (0, 0, side, side)
    start, end = (small * (1 + edge / side) for edge in (box[0], box[2]))
    drift = (0.5 - scene.light_x) * small * 0.7
    draw = ImageDraw.Draw(shadow)
    draw.ellipse(
        [min(start, start + drift), small * 0.41, max(end, end + drift), small * 0.63], fill=80
    )
    draw.ellipse([start, small * 0.44, end, small * 0.57], fill=170)
    shadow = shadow.filter(ImageFilter.GaussianBlur(max(1, small / 22)))
    shadow = shadow.resize((3 * side, side), Image.Resampling.BICUBIC)
    image.paste(mix_colors(scene.table, (16, 12, 24), 0.8), (left - side, y - side // 2), shadow)


def draw_words(image: Image.Image, prompt: str) -> None:
    """The prompt below, and the ribbon that says SAMPLE; so it does where every cut leaves it."""
    width, height = image.size
    unit = min(width, height)
    ink = (60, 56, 62)
    draw = ImageDraw.Draw(image)
    font = _font(max(6, unit // 38))
    columns = round(1.8 * (width - unit // 10) / font.size)
    lines = textwrap.wrap(prompt, columns, max_lines=2, placeholder=" ...")
    top = height - unit // 24 - len(lines) * font.size * 1.3
    draw.multiline_text((unit // 24, top), "\n".join(lines), fill=ink, font=font, spacing=4)
    large = _font(max(7, unit // 22))
    within = height / 2 - unit * 0.24  # of a cut from the middle, also to 16:9
    draw.text((width / 2, within), "SAMPLE", _RIBBON, large, anchor="mm")
    ribbon = Image.new("L", (unit // 2, unit // 14), 150)
    ImageDraw.Draw(ribbon).text(
        (ribbon.width / 2, ribbon.height / 2), "SAMPLE", 255, large, anchor="mm"
    )
    turned = ribbon.rotate(-45, expand=True, resample=Image.Resampling.BICUBIC)
    corner = (width - round(turned.width * 0.72), -round(turned.height * 0.28))
    image.paste(_RIBBON, corner, turned.point(lambda v: min(v * 1.4, 210)))
    letters = turned.point(lambda v: max(0, (v - 150) * 2.4))
    image.paste(WHITE, corner, letters)


@lru_cache(maxsize=16)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType, which the sample pictures need")
    return font


def _shaded(image: Image.Image, brightness: float) -> Image.Image:
    return ImageChops.multiply(image, Image.new("RGB", image.size, (round(255 * brightness),) * 3))


def mix_colors(one: Color, other: Color, share: float) -> Color:
    """The color that is `share` of the way from one to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _from_hls(hue: float, lightness: float, saturation: float) -> Color:
    red, green, blue = colorsys.hls_to_rgb(hue % 1, lightness, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)
