"""`POST /api/assets`: one multipart file part named `asset`."""

import hashlib
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import PurePosixPath
from uuid import uuid4

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
        file_name = _file_name_of(part)
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


def _file_name_of(part: Message) -> str:
    """With its letters: curl and browsers send a name's UTF-8 as it is, others by RFC 2231."""
    headers = Message()
    for name, text in part.raw_items():
        if name.lower() == "content-disposition":
            sent = str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            headers[name] = sent if "filename*" in sent else sent.replace("%22", '\\"')
    return headers.get_filename() or ""


def upload_body(
    upload: Upload, key: str, *, location: str, uploaded_at: str
) -> dict[str, dict[str, object]]:
    """The reply to an upload: what its storage says of the file, and what the API keeps of it."""
    etag = hashlib.md5(upload.data, usedforsecurity=False).hexdigest()
    asset: dict[str, object] = {
        "fieldname": "asset",
        "originalname": upload.file_name,
        "encoding": "7bit",
        "mimetype": upload.mimetype,
        "size": len(upload.data),
        "bucket": "asset.1min.ai",
        "key": key,
        "acl": "private",
        "contentType": upload.mimetype,
        "contentDisposition": None,
        "contentEncoding": None,
        "storageClass": "STANDARD",
        "serverSideEncryption": None,
        "metadata": None,
        "location": location,
        "etag": f'"{etag}"',
    }
    content: dict[str, object] = {
        "uuid": str(uuid4()),
        "userId": "sample-user",
        "teamId": "sample-team",
        "name": upload.file_name,
        "path": key,
        "type": upload.mimetype,
        "size": len(upload.data),
        "createdAt": uploaded_at,
    }
    return {"asset": asset, "fileContent": content}
