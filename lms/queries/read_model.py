"""The shape of what queries return: frozen dataclasses, camelCase where they leave as JSON."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

T = TypeVar("T")
_AS_JSON = ConfigDict(
    alias_generator=to_camel,
    populate_by_name=True,
    json_schema_serialization_defaults_required=True,
)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def read_model(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass whose fields pages read and JSON clients see."""
    model = dataclass(frozen=True, kw_only=True)(cls)
    model.__pydantic_config__ = _AS_JSON  # type: ignore[attr-defined]  # read by pydantic
    return model
