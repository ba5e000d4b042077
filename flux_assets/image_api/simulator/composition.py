"""Places a photo's product in a scene: made to fit, turned, lit and given a shadow."""

import math

from PIL import Image, ImageChops

from flux_assets.image_api.simulator.scenes import WHITE, Scene, draw_shadow, mix_colors

_MARGIN = 0.12


def place_product(image: Image.Image, scene: Scene, product: Image.Image) -> None:
    """Put a cut-out product, as RGBA, onto the table; it takes `scene.scale` of the frame."""
    width, height = image.size
    times = scene.scale * min(width / product.width, height / product.height)
    size = max(1, round(product.width * times)), max(1, round(product.height * times))
    standing = _stand(product.resize(size, Image.Resampling.BICUBIC), scene)
    mask = standing.getchannel("A")
    left = (width - standing.width) // 2
    bottom = round(height * (scene.horizon + 0.14))
    _draw_foot_shadow(image, mask, scene, left, bottom)
    image.paste(_lit(standing, scene), (left, bottom - standing.height), mask)


def _draw_foot_shadow(
    image: Image.Image, mask: Image.Image, scene: Scene, left: int, bottom: int
) -> None:
    """A shadow in proportion to the product's width, however high it is."""
    start, _, end, foot = mask.getbbox() or (0, 0, *mask.size)
    side = end - start
    square = mask.crop((start, foot - side, end, foot))
    draw_shadow(image, square, scene, left + start, bottom - round(0.02 * side))


def _stand(product: Image.Image, scene: Scene) -> Image.Image:
    """A square with the product turned in it, its lowest point on the lower edge."""
    margin = 1 + round(_MARGIN * max(product.size))
    side = max(product.size) + 2 * margin
    flat = Image.new("RGBA", (side, side))
    flat.paste(product, ((side - product.width) // 2, (side - product.height) // 2))
    half = side / 2
    cosine, sine = (f(math.radians(scene.tilt_degrees)) for f in (math.cos, math.sin))
    corners: list[float] = []
    for x, y in ((-half, -half), (-half, half), (half, half), (half, -half)):
        # One side of what is turned away stands further back, and is therefore less high.
        tall = y * (1 + scene.turn * x / half)
        wide = x * (1 + abs(scene.turn))
        corners += (half + wide * cosine - tall * sine, half + wide * sine + tall * cosine)
    turned = flat.transform(
        flat.size, Image.Transform.QUAD, corners, resample=Image.Resampling.BILINEAR
    )
    box = turned.getchannel("A").point(lambda v: 255 * (v > 32)).getbbox()
    foot = side if box is None else box[3]
    return turned.crop((0, foot - side, side, foot))


def _lit(standing: Image.Image, scene: Scene) -> Image.Image:
    """The product's colours, brightest towards the light and tinged by the room."""
    side = standing.width
    ramp = Image.new("L", (side, 1))
    ramp.putdata(
        [round(127 + 127 * math.cos(2.6 * (x / side - scene.light_x))) for x in range(side)]
    )
    ramp = ramp.resize(standing.size, Image.Resampling.NEAREST)
    bright = mix_colors(WHITE, scene.wall, 0.12)
    dark = mix_colors((196, 190, 204), scene.wall, 0.3)
    channels = [
        ramp.point([round(d + (b - d) * v / 255) for v in range(256)])
        for b, d in zip(bright, dark, strict=True)
    ]
    return ImageChops.multiply(standing.convert("RGB"), Image.merge("RGB", channels))
