"""What the server says to people of what cannot be done."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flux_assets.errors import FluxAssetsError, StoreError


class NoSuchThingError(FluxAssetsError):
    """There is nothing of that name."""

    def __init__(self, sentence: str = "there is nothing of that name", status: int = 404) -> None:
        super().__init__(sentence)
        self.status = status


class BadRequestError(FluxAssetsError):
    """What was sent cannot be understood."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def tell_error(request: Request, error: Exception) -> Response:
    """A sentence that a person can act on, as JSON."""
    del request
    status = getattr(error, "status", 503 if isinstance(error, StoreError) else 409)
    return JSONResponse({"error": str(error)}, status_code=status)
