"""Bodies, read by the event loop until they are complete: a slow sender keeps no thread waiting."""

import asyncio

from lms.web.front.rsgi import HTTPProtocol, Scope
from lms.web.security import MAX_BODY

BODY_SECONDS = 20
"""How long a client may take to send what it has announced."""
MOST_DISCARDED = 10 * MAX_BODY
"""Of a body that is refused, how much is read nevertheless."""


class Late(Exception):  # noqa: N818 - the client's, not ours
    """The body did not arrive in time."""


async def complete_body(scope: Scope, protocol: HTTPProtocol) -> bytes:
    """Return the whole body, or one byte more than is accepted of a larger one; raises Late.

    What is refused is read on, up to a limit, so that the client hears why: otherwise the server
    hangs up, often only when the client has sent its next request, which is then lost.
    """
    headers = scope.headers
    announced = headers.get("content-length", "0")
    if announced == "0" and headers.get("transfer-encoding") is None:
        return b""
    if announced.isdecimal() and int(announced) > MOST_DISCARDED:
        return bytes(MAX_BODY + 1)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read(protocol)
    except TimeoutError:
        raise Late from None


async def _read(protocol: HTTPProtocol) -> bytes:
    body, size = bytearray(), 0
    async for chunk in protocol:
        size += len(chunk)
        if len(body) <= MAX_BODY:
            body += chunk[: MAX_BODY + 1 - len(body)]
        if size > MOST_DISCARDED:
            break
    return bytes(body)
