"""The server's types, which granian hands on without declaring it."""

from granian.rsgi import (  # type: ignore[attr-defined]
    HTTPProtocol,
    ProtocolClosed,
    Scope,
)

__all__ = ["HTTPProtocol", "ProtocolClosed", "Scope"]
