"""Answers with the OpenAPI document, and with the same as a page."""

import asyncio
from functools import cached_property
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from customvision.gateway.docs_page import POLICY, docs_page
from customvision.gateway.openapi import openapi_document


class Documentation:
    """Both forms of the document; each is made when it is first asked for."""

    def __init__(self, application: FastAPI) -> None:
        self._application = application

    async def respond_json(self, _request: Request) -> Response:
        """Answers with the OpenAPI document."""
        return JSONResponse(await asyncio.to_thread(lambda: self._document))

    async def respond_page(self, _request: Request) -> Response:
        """Answers with the page."""
        return HTMLResponse(await asyncio.to_thread(lambda: self._page), headers={"Content-Security-Policy": POLICY})

    @cached_property
    def _document(self) -> dict[str, Any]:
        return openapi_document(self._application)

    @cached_property
    def _page(self) -> str:
        return docs_page(self._document)
