"""What the recognition score sees of drawn products, and what it does not, as a Markdown table.

Run with `python benchmarks/recognition.py`. Every product is drawn, photographed on white, and put
into a scene of its own, as itself or as something that it is not; the seeds are fixed.
"""

import argparse
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from flux_assets.image_api.simulator.pictures import draw_picture
from flux_assets.pictures.recognition import NOT_RECOGNISABLE_BELOW, score_recognition
from flux_assets_tests.fixtures.product_photos import Kind, draw_photo, draw_product, encode
from flux_assets_tests.fixtures.product_scenes import (
    Edit,
    compose,
    draw_scene,
    mirror_print,
    recolor,
)

JUDGED: tuple[Kind, ...] = ("printed", "patterned", "textured")
UNJUDGED: tuple[Kind, ...] = ("jewellery", "glossy", "cushion")

Change = Callable[[Image.Image, int, random.Random], bytes]

EDITS: dict[str, Callable[[random.Random], Edit]] = {
    "another scene": lambda dice: Edit(scale=dice.uniform(0.6, 0.9)),
    "small, 0.4 to 0.5": lambda dice: Edit(scale=dice.uniform(0.4, 0.5)),
    "turned by 10 to 20 degrees": lambda dice: Edit(
        rotation=dice.choice((-1, 1)) * dice.uniform(10, 20)
    ),
    "in perspective": lambda dice: Edit(perspective=dice.uniform(0.1, 0.25)),
    "in other light, half in shade": lambda dice: Edit(
        light=dice.choice((0.5, 0.7, 1.3)), shade=0.5
    ),
    "JPEG of quality 30": lambda _: Edit(jpeg_quality=30),
    "a fifth to two fifths hidden": lambda dice: Edit(scale=0.8, occluded=dice.uniform(0.2, 0.4)),
    "every part redrawn a little off": lambda _: Edit(redrawn=0.006),
    "all of it at once": lambda _: Edit(
        scale=0.6,
        rotation=15,
        perspective=0.12,
        shade=0.4,
        occluded=0.15,
        redrawn=0.004,
        jpeg_quality=60,
    ),
}


def main() -> None:
    """Print one row per case: of products that can be judged, of mismatches, of the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=16, help="of each kind")
    products = parser.parse_args().products
    logging.disable(logging.WARNING)
    score_recognition(b"", b"")  # loads the libraries
    print("| case | n | score min / median / max | judged | below the threshold | CPU ms |")
    print("|---|---|---|---|---|---|")
    for name, choose in EDITS.items():
        print_row(f"the product, {name}", score_all(JUDGED, products, edited(choose)))
    for name, shown in (("the product", 0), ("another product", 1000)):
        print_row(f"{name}, edited by the simulator", score_all(JUDGED, products, simulated(shown)))
    for kind in JUDGED:
        for name, change in mismatches(kind).items():
            print_row(f"{kind}: {name}", score_all((kind,), products, change))
    for kind in UNJUDGED:
        print_row(
            f"{kind}: the product, another scene",
            score_all((kind,), products, edited(EDITS["another scene"])),
        )


def edited(choose: Callable[[random.Random], Edit]) -> Change:
    """The product itself in a scene, as the edit says."""
    return lambda product, number, dice: compose(product, number, choose(dice))


def simulated(shown: int) -> Change:
    """What the simulator's editor makes of a photo: the product's own, or that of one so far on."""

    def change(product: Image.Image, number: int, dice: random.Random) -> bytes:
        pictured = draw_product(dice.choice(JUDGED), number + shown) if shown else product
        return draw_picture(
            prompt="Place it on a table in morning light",
            seed=number,
            aspect_ratio="1:1",
            megapixels=1,
            output_format="png",
            output_quality=100,
            photo=draw_photo(pictured),
        )

    return change


def mismatches(kind: Kind) -> dict[str, Change]:
    """What is no longer the product, or not wholly."""
    placed = Edit(scale=0.7)
    cases: dict[str, Change] = {
        "another product": lambda _, number, __: compose(
            draw_product(kind, number + 1000), number, placed
        ),
        "the same shape, another print": lambda _, number, __: compose(
            draw_product(kind, number + 1000, shape=number), number, placed
        ),
        "only the scene": lambda _, number, __: encode(draw_scene(number)),
        "mirrored": lambda product, number, _: compose(mirror_print(product), number, placed),
        "recoloured": lambda product, number, _: compose(recolor(product), number, placed),
    }
    if kind == "printed":
        cases["another print over the same words"] = lambda _, number, __: compose(
            draw_product(kind, number + 1000, shape=number, words=number), number, placed
        )
    return cases


def score_all(
    kinds: Iterable[Kind], products: int, change: Change
) -> Iterator[tuple[float | None, float]]:
    """The score, and the CPU milliseconds that it took, of every product of these kinds."""
    for kind in kinds:
        for number in range(products):
            product = draw_product(kind, number)
            source = draw_photo(product)
            picture = change(product, number, random.Random(number))  # noqa: S311 - no secret
            started = time.process_time()
            score = score_recognition(source, picture)
            yield score, (time.process_time() - started) * 1000


def print_row(case: str, scored: Iterator[tuple[float | None, float]]) -> None:
    """One row of the table."""
    rows = list(scored)
    scores = [score for score, _ in rows if score is not None]
    below = sum(score < NOT_RECOGNISABLE_BELOW for score in scores)
    spread = (
        f"{min(scores):.2f} / {statistics.median(scores):.2f} / {max(scores):.2f}"
        if scores
        else "-"
    )
    cpu = statistics.median(milliseconds for _, milliseconds in rows)
    print(f"| {case} | {len(rows)} | {spread} | {len(scores)} | {below} | {cpu:.0f} |", flush=True)


if __name__ == "__main__":
    main()
