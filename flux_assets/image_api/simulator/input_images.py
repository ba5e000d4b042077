"""The photo that an editor call names: an uploaded asset, or a picture in the API's own storage."""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from flux_assets.image_api.simulator import replies
from flux_assets.image_api.simulator.photos import PhotoError, open_photo
from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets.image_api.simulator.storage import Storage

_GLANCE_PX = 64
_MAX_NAMED = 200


class InputImages:
    """Fetches input images as the provider would, which sees no other network than our own."""

    def __init__(
        self,
        state: SimulatorState,
        storage: Storage,
        *,
        clock: Callable[[], float],
        asset_lifetime_seconds: int | None,
    ) -> None:
        self._state = state
        self._storage = storage
        self._clock = clock
        self._asset_lifetime_seconds = asset_lifetime_seconds

    async def find_key(self, image_url: str, base_url: str) -> str:
        """The storage key of the photo at `image_url`, which is known to open.

        Args:
            image_url: an asset's key, its location, or a signed URL of a finished picture.
            base_url: the host and port that the call came to, which alone are our own.

        Raises:
            ApiReplyError: there is no such photo, it has expired, or it cannot be decoded.
        """
        if "://" not in image_url:
            return await self._find_asset(image_url)
        address, _, query = image_url.partition("?")
        prefix = f"{base_url}storage/"
        key = unquote(address.removeprefix(prefix))
        if address.startswith(prefix):
            if self._state.find_upload_time(key) is not None:
                return await self._find_asset(key)
            if self._storage.serves(key, dict(parse_qsl(query))):
                return key
        raise _refused(422, f"could not fetch {address[:_MAX_NAMED]}")

    async def _find_asset(self, key: str) -> str:
        uploaded_at = self._state.find_upload_time(key)
        lifetime = self._asset_lifetime_seconds
        if uploaded_at is None or (
            lifetime is not None and self._clock() >= uploaded_at + lifetime
        ):
            raise _refused(404, f"the asset {key[:_MAX_NAMED]} was not found")
        try:
            await asyncio.to_thread(open_photo, self._state.read_asset(key), _GLANCE_PX)
        except PhotoError:
            raise _refused(422, "the image cannot be decoded") from None
        return key


def _refused(inner_status: int, reason: str) -> replies.ApiReplyError:
    return replies.refused_by_provider(inner_status, f"Failed to fetch input image: {reason}")
