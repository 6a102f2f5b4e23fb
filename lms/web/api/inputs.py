"""Types of what clients send."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from lms.web.bounds import LARGEST_ID


def _storable(text: str) -> str:
    # PostgreSQL refuses NUL in text, and no encoding holds half a surrogate pair.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain NUL or surrogate characters")
    return text


Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Storable = AfterValidator(_storable)
Message = Annotated[str, StringConstraints(max_length=2000), Storable]
SearchText = Annotated[str, StringConstraints(max_length=200), Storable]
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]
