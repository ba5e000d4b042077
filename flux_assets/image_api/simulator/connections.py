"""Replies that break off: the connection closes before or in the middle of the answer."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class BrokenOffResponse(Response):
    """Announces all of `content`, sends its first half, or nothing at all, and hangs up."""

    def __init__(self, content: bytes = b"", *, media_type: str | None = None) -> None:
        super().__init__(content, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close this request's connection, which the server's protocol object holds."""
        if self.body:
            start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            half = self.body[: len(self.body) // 2]
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})
        for connection in tuple(scope["app"].state.connections):
            if connection.client == scope["client"]:
                connection.transport.close()
        # Returning earlier would make the server report an incomplete reply, or send a 500.
        while (await receive())["type"] != "http.disconnect":
            pass
