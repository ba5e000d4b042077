"""A picture beside the product's own photo that it was made from."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from flux_assets.errors import PictureError, StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import Picture, inspect_picture
from flux_assets.pictures.memory_budget import MemoryBudget
from flux_assets.pictures.photos.prepare import PreparedPhoto
from flux_assets.pictures.previews import build_pair_preview
from flux_assets.pictures.recognition import score_recognition

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Looks at pictures; shows and scores what of a photo's product is found again in one.

    A picture is paid: whatever is wrong with its photo is logged, and the picture stays as it is.

    Args:
        read_photo: gives a prepared photo by the sha256 of its source.
        preview_px: the longest side of previews; 0 for none.
        budget: in which all that is decoded waits for its turn.
    """

    read_photo: Callable[[str], PreparedPhoto]
    preview_px: int
    budget: MemoryBudget

    def inspect(self, data: bytes) -> Picture:
        """A picture by itself, as `inspect_picture` sees it."""
        return inspect_picture(data, preview_px=self.preview_px, budget=self.budget)

    def show_source(self, request: ImageRequest, data: bytes, picture: Picture) -> Picture:
        """The picture with a preview that shows the photo it was made from beside it, if any."""
        source = self._read_source(request) if self.preview_px else None
        return picture if source is None else self._pair(request, data, picture, source)

    def compare(self, request: ImageRequest, data: bytes, picture: Picture) -> Picture:
        """The picture as of `show_source`, with how much of its product is found again in it."""
        source = self._read_source(request)
        if source is None:
            return picture
        if self.preview_px:
            picture = self._pair(request, data, picture, source)
        return replace(picture, recognition=score_recognition(source.data, data, self.budget))

    def _pair(
        self, request: ImageRequest, data: bytes, picture: Picture, source: PreparedPhoto
    ) -> Picture:
        try:
            preview = build_pair_preview(
                source.data, data, longest_px=self.preview_px, budget=self.budget
            )
        except PictureError as error:  # it opens, but not all that it says of itself can be read
            _log.warning("product %r, shot %s: %s", request.product_id, request.shot, error)
            return picture
        return replace(picture, preview=preview)

    def _read_source(self, request: ImageRequest) -> PreparedPhoto | None:
        if not request.source_sha256:
            return None
        try:
            return self.read_photo(request.source_sha256)
        except StoreError as error:
            _log.warning("product %r, shot %s: %s", request.product_id, request.shot, error)
            return None
