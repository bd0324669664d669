"""The pages: files of this package, no resource of a foreign host."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

_FOLDER: Final = Path(str(files("helixnet.gateway") / "static"))
_SWAGGER: Final = Path(str(files("fastapi_offline") / "static"))
_FRESH: Final = {"Cache-Control": "no-cache"}  # asked again each time: a page must fit its server

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """Jobs, live: what most people need of a server."""
    return FileResponse(_FOLDER / "index.html", headers=_FRESH)


@router.get("/docs")
async def docs() -> FileResponse:
    """Swagger UI with a working Authorize."""
    return FileResponse(_FOLDER / "docs.html", headers=_FRESH)


@router.get("/docs/oauth2-redirect")
async def returned() -> FileResponse:
    """Where the issuer sends a person back who pressed Authorize."""
    return FileResponse(_FOLDER / "oauth2-redirect.html", headers=_FRESH)


@router.get("/asyncapi.json")
async def asyncapi() -> FileResponse:
    """The topics and events, for machines (AsyncAPI 3.0)."""
    return FileResponse(_FOLDER / "asyncapi.json", headers=_FRESH)


def mount(app: FastAPI) -> None:
    """Serve the pages and what they load."""
    app.include_router(router)
    app.mount("/static/swagger", StaticFiles(directory=_SWAGGER))
    app.mount("/static", StaticFiles(directory=_FOLDER))
