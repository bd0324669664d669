"""Keyset pages: the next page is a link (RFC 8288), never an offset."""

import base64
import binascii
from typing import Annotated

from fastapi import Query, Request, Response

from helixnet.errors import UsageError
from helixnet.gateway.problems import REFUSED_REQUEST

Limit = Annotated[int, Query(ge=1, le=500, description="items a page")]
Cursor = Annotated[
    str | None, Query(max_length=64, description="from the Link header of the page before")
]


def position(cursor: str | None) -> int | None:
    """Read a cursor.

    Raises:
        UsageError: it is not one of ours.
    """
    if cursor is None:
        return None
    try:
        return int(base64.urlsafe_b64decode(cursor.encode() + b"=="))
    except (ValueError, binascii.Error) as error:
        raise UsageError("the cursor is not one of ours", code=REFUSED_REQUEST) from error


def link_next(request: Request, response: Response, last: int) -> None:
    """Tell where the next page is: after the item at position ``last``."""
    cursor = base64.urlsafe_b64encode(str(last).encode()).rstrip(b"=").decode()
    url = request.url.include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{url}>; rel="next"'
