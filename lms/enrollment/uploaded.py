"""Verbs that name a content: it is looked for before their transaction, which waits for nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from lms.files import store
from lms.files.content import Content
from lms.refusals import FileLost

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Picture:
    """A picture in the store, and what it was called."""

    content: Content
    name: str


def uploaded(verb: Callable[P, R]) -> Callable[P, R]:
    """Have a verb raise FileLost for a content that isn't in the store any more."""

    @wraps(verb)
    def looked_for(*args: P.args, **kwargs: P.kwargs) -> R:
        for given in (*args, *kwargs.values()):
            content = given.content if isinstance(given, Picture) else given
            if isinstance(content, Content) and store.size(content.digest) != content.bytes:
                raise FileLost
        return verb(*args, **kwargs)

    return looked_for
