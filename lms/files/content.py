"""What a content is, once it has been looked at."""

from dataclasses import dataclass

from lms.models import FileKind


@dataclass(frozen=True)
class Content:
    """A content in the store, and what it is."""

    digest: str
    bytes: int
    kind: FileKind
    media_type: str
    width: int | None = None
    height: int | None = None
