"""What the page tells of where the services are."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from customvision.common.settings import Settings


class Addresses:
    """Answers with the addresses that programs call."""

    def __init__(self, settings: Settings) -> None:
        self._addresses = {"predictionAddress": settings.prediction_address}

    async def respond(self, _request: Request) -> Response:
        """Answers ``GET /page/addresses``."""
        return JSONResponse(self._addresses)
