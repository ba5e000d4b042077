"""`POST /api/assets`: one multipart file part named `asset`."""

from dataclasses import dataclass
from email import message_from_bytes
from pathlib import PurePosixPath

from flux_assets.image_api.simulator import replies

_MIMETYPE_OF_START = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
    b"GIF8": "image/gif",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The one file of a valid upload."""

    file_name: str
    mimetype: str
    data: bytes


def parse_upload(content_type: str, body: bytes) -> Upload:
    """Take the file part out of a multipart body.

    Raises:
        ApiReplyError: no part is named `asset`, or it is empty or no picture with an extension.
    """
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode("latin-1") + body)
    for part in message.walk():
        if part.get_param("name", header="content-disposition") != "asset":
            continue
        file_name = part.get_filename() or ""
        if not PurePosixPath(file_name).suffix:
            raise replies.bad_request("The file name has no extension")
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        if not data:
            raise replies.bad_request("The file is empty")
        for start, mimetype in _MIMETYPE_OF_START.items():
            if data.startswith(start):
                return Upload(file_name=file_name, mimetype=mimetype, data=data)
        raise replies.bad_request("The file is not a supported picture")
    raise replies.bad_request("Unexpected field: the file part must be named asset")
