"""Image files in request bodies: multipart forms, whose parts need not have file names, and raw bytes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from customvision.gateway.api_errors import ApiError
from customvision.gateway.bodies import chunks, declared_length
from customvision.gateway.room import MIB, Place, Room

MAX_FILES = 64
# One byte more than the services take: what is cut off there is refused by them, in their words.
KEPT_BYTES = 6 * MIB + 1
# For the headers of parts, and for other parts than images.
FORM_BYTES = MIB
MAX_BODY_BYTES = MAX_FILES * KEPT_BYTES + FORM_BYTES
PART_NAME = "imagedata"
RAW_TYPES = (b"", b"application/octet-stream")
HOW_TO_SEND = "Send the file as multipart/form-data in a part named imageData, or as application/octet-stream."


@dataclass(frozen=True)
class ImageFile:
    """A file of a request; ``name`` as it came, or None where it came without one."""

    name: str | None
    data: bytes


@asynccontextmanager
async def image_files(request: Request, room: Room, *, most: int = MAX_FILES) -> AsyncIterator[list[ImageFile]]:
    """Yields the files of the body, at least one and ``most`` at most, and keeps room for them until the end.

    A file that is too large is cut off one byte past the limit. Raises ApiError where there is no file, where there
    are too many, and where the body cannot be read.
    """
    boundary = _boundary(request)
    limit = KEPT_BYTES if boundary is None else most * KEPT_BYTES + FORM_BYTES
    _check_length(declared_length(request, default=0))
    with room.place(limit) as place:
        async with place.coming():
            files = [await _raw(request, place)] if boundary is None else await _form(request, place, boundary, most)
        yield files


def _boundary(request: Request) -> bytes | None:
    given = request.headers.get("content-type", "")
    kind, options = parse_options_header(given)
    if kind in RAW_TYPES or kind.startswith(b"image/"):
        return None
    if kind != b"multipart/form-data":
        raise ApiError("BadRequestImageStream", f"The Content-Type '{given[:100]}' is not one of images. {HOW_TO_SEND}")
    if not options.get(b"boundary"):
        message = f"The Content-Type says multipart/form-data without a boundary. {HOW_TO_SEND}"
        raise ApiError("BadRequestImageStream", message)
    return options[b"boundary"]


async def _raw(request: Request, place: Place) -> ImageFile:
    data, length = bytearray(), 0
    async for chunk in chunks(request, place):
        length += len(chunk)
        _check_length(length)
        data += chunk[: KEPT_BYTES - len(data)]
    if not data:
        raise ApiError("BadRequestImageStream", f"The body is empty. {HOW_TO_SEND}")
    return ImageFile(None, bytes(data))


async def _form(request: Request, place: Place, boundary: bytes, most: int) -> list[ImageFile]:
    form, length = _Form(boundary, most), 0
    async for chunk in chunks(request, place):
        length += len(chunk)
        _check_length(length)
        form.write(chunk)
    return form.end()


def _check_length(length: int) -> None:
    if length > MAX_BODY_BYTES:
        message = f"The body is larger than {MAX_BODY_BYTES // MIB} MiB; send fewer images in one call."
        raise ApiError("BadRequestImageBatch", message, status=413)


class _Form:
    """Takes the images out of a multipart form, piece by piece as it comes."""

    def __init__(self, boundary: bytes, most: int) -> None:
        self._most = most
        self._files: list[ImageFile] = []
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._name: str | None = None
        self._data: bytearray | None = None
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_to_header,
                    "on_header_value": self._add_to_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._begin_data,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _unreadable() from error

    def write(self, chunk: bytes) -> None:
        """Reads the next piece. Raises ApiError where it cannot be, or holds one file too many."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _unreadable() from error

    def end(self) -> list[ImageFile]:
        """Returns the images. Raises ApiError where there is none, or the last part has no end."""
        if not self._ended:
            raise _unreadable()
        if not self._files:
            raise ApiError("BadRequestImageStream", f"No part of the form is named imageData. {HOW_TO_SEND}")
        return self._files

    def _begin_part(self) -> None:
        self._disposition = b""

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _begin_data(self) -> None:
        options = parse_options_header(self._disposition)[1]
        self._data = None
        # Some clients number the parts: imageData1, imageData2.
        if _text(options.get(b"name", b"")).lower().startswith(PART_NAME):
            if len(self._files) == self._most:
                message = f"The form has more than {self._most} file(s); one call takes no more. Make several calls."
                raise ApiError("BadRequestExceededBatchSize", message)
            file_name = options.get(b"filename")
            self._name, self._data = None if file_name is None else _text(file_name), bytearray()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._data is not None:
            self._data += data[start : min(end, start + KEPT_BYTES - len(self._data))]

    def _end_part(self) -> None:
        if self._data is not None:
            self._files.append(ImageFile(self._name, bytes(self._data)))
            self._data = None

    def _end(self) -> None:
        self._ended = True


def _unreadable() -> ApiError:
    return ApiError("BadRequestImageStream", f"The body is no complete multipart form. {HOW_TO_SEND}")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
