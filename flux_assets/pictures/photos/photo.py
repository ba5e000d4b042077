"""What was found at a product's photo address: the photo, or why there is none."""

from flux_assets.errors import (
    PhotoUnavailableError,
    PhotoUnusableError,
)
from flux_assets.image_api.request import (
    SourcePhoto,
)

Photo = SourcePhoto | PhotoUnusableError | PhotoUnavailableError
