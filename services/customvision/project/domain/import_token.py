"""Tokens that let their holder copy a project: which, and until when, sealed with a secret of the service."""

import base64
import hashlib
import hmac
import struct
import uuid
from datetime import UTC, datetime, timedelta

from customvision.common.errors import InvalidArgument

LIFETIME = timedelta(hours=24)
# The form of the token, the project's id, and seconds since 1970.
_CONTENT = struct.Struct(">B16sQ")
_FORM = 1
_SEAL_BYTES = hashlib.sha256().digest_size


class ImportTokenInvalid(InvalidArgument):
    """The token is damaged, or none of this service's."""

    reason = "IMPORT_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__(
            "The token is damaged, or another service gave it; send what ExportProject answered, whole.", field="token"
        )


class ImportTokenExpired(InvalidArgument):
    """The token has expired."""

    reason = "IMPORT_TOKEN_EXPIRED"

    def __init__(self, expire_time: datetime) -> None:
        super().__init__(
            "The token has expired; call ExportProject for a new one.",
            metadata={"expire_time": expire_time.isoformat()},
            field="token",
        )


def sealed_token(secret: bytes, project_id: str, expire_time: datetime) -> str:
    """Returns a token of letters, digits, ``-`` and ``_`` alone, so that it travels in a URL as it is."""
    content = _CONTENT.pack(_FORM, uuid.UUID(project_id).bytes, int(expire_time.timestamp()))
    return base64.urlsafe_b64encode(content + _seal(secret, content)).decode()


def project_of_token(secret: bytes, token: str, now: datetime) -> str:
    """Returns the id of the project that the token lets copy. Raises ImportTokenInvalid or ImportTokenExpired."""
    content, seal = _parts(token)
    if not hmac.compare_digest(seal, _seal(secret, content)):
        raise ImportTokenInvalid
    _, project_id, expires = _CONTENT.unpack(content)
    expire_time = datetime.fromtimestamp(expires, UTC)
    if expire_time <= now:
        raise ImportTokenExpired(expire_time)
    return str(uuid.UUID(bytes=project_id))


def _parts(token: str) -> tuple[bytes, bytes]:
    # The length is a multiple of 3, so that tokens need no padding and have one spelling each.
    size = _CONTENT.size + _SEAL_BYTES
    try:
        data = base64.b64decode(token, altchars=b"-_", validate=True) if len(token) <= 2 * size else b""
    except ValueError:
        data = b""
    if len(data) != size or base64.urlsafe_b64encode(data).decode() != token:
        raise ImportTokenInvalid
    return data[: _CONTENT.size], data[_CONTENT.size :]


def _seal(secret: bytes, content: bytes) -> bytes:
    return hmac.new(secret, content, hashlib.sha256).digest()
