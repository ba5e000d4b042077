"""How much of a source photo's product is found again in the picture that was made of it.

Local features (ORB) of both are matched, and kept where one perspective view explains them. Whole
pictures are never compared: the scene around the product is meant to change. What the score can
tell and what it cannot is measured in docs/recognition.md.
"""

import logging
import os
import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from flux_assets.errors import PictureError
from flux_assets.pictures.memory_budget import ENDLESS, MemoryBudget
from flux_assets.pictures.previews import open_scaled
from flux_assets.pictures.recognition_library import explain_absence

if TYPE_CHECKING:  # slow to import, so loaded only with the first score
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Numbers = NDArray[Any]

NOT_RECOGNISABLE_BELOW = 0.4
"""Of the product's parts that can be found again, fewer than this were: look at the picture.

Other prints on the same shape hardly reach it (one in 16 does, at 0.42); a product of which two
fifths are hidden keeps about as much. docs/recognition.md has the figures.
"""

WORKING_PX = 512
"""Both pictures' longest side is brought to this: features are compared at one scale."""

_SOURCE_FEATURES = 1500
_PICTURE_FEATURES = 2500  # those of the scene take their share
_FAST_THRESHOLD = 7  # a product may stand in weak light
_PATCH_PX = 31  # what one ORB descriptor looks at
_MAX_DISTANCE_RATIO = 0.8  # of the best match to the second best: Lowe's test
_MOVE_ERROR_PX = 16.0  # perspective takes the corners further off than the middle
_VIEW_ERROR_PX = 3.8
_FOUND_WITHIN_PX = 5.0  # a redrawn product is a little off everywhere
_MAX_BITS_APART = 50  # of 256; unrelated descriptors are about 128 apart
_CELLS = 12  # across the longer side of the product
_MIN_MATCHES = 10
_MIN_MATCHED_CELLS = 5
_MIN_REACH = 0.3  # a view that rests on one line of text is none of the product
_MOST = (10, 90)  # per cent of the points: some match by chance anywhere
_MIN_TELLING_CELLS = 8
_MIN_PER_CELL = 2
_AREA_RATIOS = (0.03, 9.0)  # a product may become this much smaller or larger
_DEPTHS = (0.2, 5.0)  # of the product's corners; beyond them no camera stands
_PLAIN_WITHIN = 16  # grey levels around the background's
_PLAIN_BORDER_SHARE = 0.7
_REHEARSAL_SCALE = 0.6
_REHEARSAL_DEGREES = 10
_GROUND_LEVEL, _GROUND_SWING, _GROUND_GRAIN_PX = 110, 35, 10

# The library's work runs beside Python's own: more of it than there are cores costs only memory.
_SEATS = threading.BoundedSemaphore(os.cpu_count() or 1)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Features:
    """Points (n x 2, pixels) and what is seen around each (n x 32 bytes)."""

    points: "Numbers"
    descriptors: "Grey"


def score_recognition(
    source: bytes, picture: bytes, budget: MemoryBudget = ENDLESS
) -> float | None:
    """How much of the source photo's product is found again in the picture, from 0 to 1.

    The product is divided into cells; the score is the share of its telling cells that hold a
    feature found again where one perspective view of the product puts it. Telling are the cells
    that are found again in a rehearsal: the product of this very photo, smaller, turned, and on
    another ground. So the background counts for nothing, and a dense logo for its area.

    Never raises: what cannot be judged must not lose a paid picture. Many threads may call it.

    Returns:
        None where the source has too few telling cells (plain, glossy or very fine products), or
        where a picture or the library fails or is not installed, which is logged as a warning.
    """
    absence = explain_absence()
    if absence:
        _tell_once(absence)
        return None
    import cv2

    cv2.setNumThreads(1)  # our callers are threads already
    try:
        with _SEATS:
            return _score(_read_grey(source, budget), _read_grey(picture, budget))
    except (PictureError, cv2.error, ValueError, MemoryError) as error:
        _log.warning("No recognition score: %s", error)
        return None


@cache
def _tell_once(absence: str) -> None:
    """What is wrong with every score of a process is no news with the next one."""
    _log.warning("No recognition score: %s", absence)


def _score(photo: "Grey", result: "Grey") -> float | None:
    import numpy as np

    product = _find_features(photo, _SOURCE_FEATURES)
    if len(product.points) < _MIN_MATCHES:
        return None
    cells = _assign_cells(product.points)
    rehearsal = _find_features(_rehearse(photo), _SOURCE_FEATURES)
    again, counts = np.unique(cells[_find_again(product, cells, rehearsal)], return_counts=True)
    telling = again[counts >= _MIN_PER_CELL]
    if len(telling) < _MIN_TELLING_CELLS:
        return None
    found = _find_again(product, cells, _find_features(result, _PICTURE_FEATURES))
    return round(float(np.isin(telling, cells[found]).mean()), 3)


def _read_grey(data: bytes, budget: MemoryBudget) -> "Grey":
    import numpy as np
    from PIL import Image

    image = open_scaled(data, longest_px=WORKING_PX, budget=budget).convert("L")
    times = WORKING_PX / max(image.size)
    width, height = (max(1, round(side * times)) for side in image.size)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _find_features(grey: "Grey", most: int) -> _Features:
    import cv2
    import numpy as np

    nothing = _Features(points=np.empty((0, 2), np.float32), descriptors=np.empty((0, 32), "u1"))
    if min(grey.shape) <= _PATCH_PX:
        return nothing
    edge_px = _PATCH_PX // 2
    detector = cv2.ORB.create(most, edgeThreshold=edge_px, fastThreshold=_FAST_THRESHOLD)
    keypoints, descriptors = detector.detectAndCompute(grey, None)
    if not keypoints:
        return nothing
    points = np.array([keypoint.pt for keypoint in keypoints], np.float32)
    return _Features(points=points, descriptors=np.asarray(descriptors, np.uint8))


def _assign_cells(points: "Numbers") -> "Numbers":
    """The number of each point's cell, in a grid over what the features of the source cover."""
    first, last = points.min(axis=0), points.max(axis=0)
    side = max(float((last - first).max()), 1.0) / _CELLS
    places = ((points - first) / side).astype("int64")
    numbers: Numbers = places[:, 0] * (_CELLS + 1) + places[:, 1]
    return numbers


def _rehearse(photo: "Grey") -> "Grey":
    """The source's product as some picture may show it: smaller, turned, on a restless ground."""
    import cv2
    import numpy as np

    height, width = photo.shape
    grains = (max(1, height // _GROUND_GRAIN_PX), max(1, width // _GROUND_GRAIN_PX))
    low, high = _GROUND_LEVEL - _GROUND_SWING, _GROUND_LEVEL + _GROUND_SWING
    coarse = np.random.default_rng(1).integers(low, high, grains, np.uint8)
    ground = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    staged = np.where(_find_background(photo), ground, photo).astype(np.uint8)
    soft = cv2.GaussianBlur(staged, (0, 0), 0.5 / _REHEARSAL_SCALE)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), _REHEARSAL_DEGREES, _REHEARSAL_SCALE)
    turned = cv2.warpAffine(soft, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def _find_background(photo: "Grey") -> "Numbers":
    """Where the photo is as plain as its border; nowhere if the border is not plain."""
    import cv2
    import numpy as np

    border = np.concatenate([photo[:4].ravel(), photo[-4:].ravel(), *photo.T[:4], *photo.T[-4:]])
    level = float(np.median(border))
    if (np.abs(border - level) <= _PLAIN_WITHIN).mean() < _PLAIN_BORDER_SHARE:
        return np.zeros(photo.shape, bool)
    plain = (np.abs(photo - level) <= _PLAIN_WITHIN).astype(np.uint8)
    return np.asarray(cv2.dilate(plain, np.ones((3, 3), np.uint8))) > 0


def _find_again(product: _Features, cells: "Numbers", picture: _Features) -> "Numbers":
    """Which of the product's points are found again, as true and false."""
    import cv2
    import numpy as np

    found = np.zeros(len(product.points), bool)
    view = _fit_view(product, cells, picture)
    if view is None:
        return found
    # The ratio test leaves out all that repeats, so now look at each point's place once more.
    expected = cv2.perspectiveTransform(product.points[None], view)[0]
    ours, theirs = _pair_near(expected, picture.points)
    bits = np.unpackbits(product.descriptors[ours] ^ picture.descriptors[theirs], axis=1)
    found[ours[bits.sum(axis=1) < _MAX_BITS_APART]] = True
    return found


def _pair_near(ours: "Numbers", theirs: "Numbers") -> "tuple[Numbers, Numbers]":
    """The numbers of all points of both that lie within _FOUND_WITHIN_PX of each other."""
    import numpy as np

    across = np.argsort(theirs[:, 0])
    firsts = np.searchsorted(theirs[across, 0], ours[:, 0] - _FOUND_WITHIN_PX)
    counts = np.searchsorted(theirs[across, 0], ours[:, 0] + _FOUND_WITHIN_PX) - firsts
    left = np.repeat(np.arange(len(ours)), counts)
    offsets = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    right = across[np.repeat(firsts, counts) + offsets]
    near = np.abs(ours[left, 1] - theirs[right, 1]) < _FOUND_WITHIN_PX
    return left[near], right[near]


def _fit_view(product: _Features, cells: "Numbers", picture: _Features) -> "Numbers | None":
    """The homography that takes the product to the picture; None where none is credible."""
    import cv2
    import numpy as np

    ours, theirs = _match(product, picture)
    view, inliers = None, None
    if len(ours) >= _MIN_MATCHES:
        view, inliers = cv2.findHomography(
            product.points[ours],
            picture.points[theirs],
            cv2.USAC_MAGSAC,  # RANSAC's successor: its views are the more stable
            _VIEW_ERROR_PX,
            maxIters=2000,
            confidence=0.995,
        )
    if view is None or inliers is None or not _is_credible(view, product.points):
        return None
    fitting = ours[inliers.ravel().astype(bool)]
    if len(fitting) < _MIN_MATCHES or len(np.unique(cells[fitting])) < _MIN_MATCHED_CELLS:
        return None
    reach = np.ptp(np.percentile(product.points[fitting], _MOST, axis=0), axis=0)
    whole = np.ptp(np.percentile(product.points, _MOST, axis=0), axis=0)
    return view if (reach >= _MIN_REACH * whole).all() else None


def _match(product: _Features, picture: _Features) -> "tuple[Numbers, Numbers]":
    """The numbers of the points that look alike and that one move of the whole roughly explains.

    Of a repeating pattern most points are like many. A move follows from two points where a
    homography takes four, so it is still found where one match in ten is right.
    """
    import cv2
    import numpy as np

    nothing = np.empty(0, np.int64), np.empty(0, np.int64)
    if min(len(product.points), len(picture.points)) < _MIN_MATCHES:
        return nothing
    matcher = cv2.BFMatcher.create(cv2.NORM_HAMMING)
    pairs = matcher.knnMatch(product.descriptors, picture.descriptors, 2)
    alike = [best for best, next_ in pairs if best.distance < _MAX_DISTANCE_RATIO * next_.distance]
    if len(alike) < _MIN_MATCHES:
        return nothing
    ours = np.array([match.queryIdx for match in alike])
    theirs = np.array([match.trainIdx for match in alike])
    move, moved = cv2.estimateAffinePartial2D(
        product.points[ours],
        picture.points[theirs],
        ransacReprojThreshold=_MOVE_ERROR_PX,
        maxIters=2000,
        confidence=0.995,
    )
    if move is None:
        return nothing
    kept = moved.ravel().astype(bool)
    return ours[kept], theirs[kept]


def _is_credible(view: "Numbers", points: "Numbers") -> bool:
    """Whether a camera can see the product so: not mirrored, folded, or shrunk to a line."""
    import cv2
    import numpy as np

    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    frame = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)
    depths = frame @ view[2, :2] + view[2, 2]
    if not ((depths > _DEPTHS[0]) & (depths < _DEPTHS[1])).all():
        return False
    seen = cv2.perspectiveTransform(frame[None], view)[0]
    sides = np.roll(seen, -1, axis=0) - seen
    onward = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * onward[:, 1] - sides[:, 1] * onward[:, 0]
    area = float((right - left) * (bottom - top))
    low, high = (area * ratio for ratio in _AREA_RATIOS)
    seen_area = cv2.contourArea(seen.astype(np.float32))
    return bool((turns > 0).all()) and low < seen_area < high
