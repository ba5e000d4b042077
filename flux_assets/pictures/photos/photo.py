"""What was found at a product's photo address: the photo, or why there is none."""

from flux_assets.errors import (
    PhotoUnavailableError,
    PhotoUnusableError,
)
from flux_assets.image_api.request import (
    SourcePhoto,
)

Photo = SourcePhoto | PhotoUnusableError | PhotoUnavailableError


class SharedPhotoError(PhotoUnavailableError):
    """The picture at an address lies at others as well, and may be a placeholder."""


class DoubtedPhotoError(PhotoUnusableError):
    """There is no usable photo, for a reason that may pass; `doubt` says what to do."""

    def __init__(self, uri: str, problem: str, doubt: str) -> None:
        super().__init__(uri, problem)
        self.doubt = doubt


def doubt_of(photo: Photo) -> str:
    """Why nothing may be bought with it now, or while there is none; empty where there is none."""
    return photo.doubt if isinstance(photo, SourcePhoto | DoubtedPhotoError) else ""
