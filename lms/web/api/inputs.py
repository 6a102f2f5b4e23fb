"""Types of what clients send."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from lms.db import LARGEST_ID
from lms.texts import is_storable, typed_line
from lms.web.bounds import MESSAGE_LENGTH, SEARCH_LENGTH


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("must not contain NUL or surrogate characters")
    return text


Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Storable = AfterValidator(_storable)
Line = AfterValidator(typed_line)
Message = Annotated[str, StringConstraints(max_length=MESSAGE_LENGTH), Storable]
Reason = Annotated[str, StringConstraints(max_length=MESSAGE_LENGTH), Line]
SearchText = Annotated[str, StringConstraints(max_length=SEARCH_LENGTH), Storable]
PageNumber = Annotated[int, Field(ge=1, le=1_000_000)]
