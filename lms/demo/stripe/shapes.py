"""Check requests and objects against the types of the pinned Stripe SDK."""

import builtins
import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Never, TypeVar, Union, get_args, get_origin

import stripe
from stripe import ListObject, StripeObject
from stripe._stripe_object import UntypedStripeObject

RESOURCES: dict[str, type[StripeObject]] = {
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "balance_transaction": stripe.BalanceTransaction,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "item": stripe.LineItem,
    "webhook_endpoint": stripe.WebhookEndpoint,
}

Problem = Literal["unknown", "missing", "invalid_integer", "invalid_empty", "invalid"]


class Mismatch(ValueError):  # noqa: N818 - the finding of a check
    """A value does not have the form that the SDK's types give it."""

    def __init__(self, path: str, problem: Problem, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.problem = problem


def read_params(form: Mapping[str, object], shape: Any) -> dict[str, Any]:
    """Return the parameters of a request as typed values; raises Mismatch in Stripe's words.

    A form knows only text, so numbers and switches are read from it as `shape` asks.
    """
    result: dict[str, Any] = _typed_dict(form, shape, "", _from_form)
    return result


def check(body: Mapping[str, Any]) -> None:
    """Raise Mismatch unless this object, or list of them, is one that Stripe could send."""
    if body.get("object") == "list":
        _conform(body, ListObject[StripeObject], "list", _from_json)
        for item in body["data"]:
            check(item)
        return
    _conform(body, RESOURCES[body["object"]], body["object"], _from_json)
    if body["object"] == "event":
        check(body["data"]["object"])


def _conform(value: Any, wanted: Any, path: str, leaf: "_Leaf") -> Any:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if wanted is Any or isinstance(wanted, TypeVar):
        return value
    if origin in {Union, UnionType}:
        return _union(value, arguments, path, leaf)
    if origin is Literal:
        return _literal(value, arguments, path)
    return _structure(value, wanted, path, leaf)


def _structure(value: Any, wanted: Any, path: str, leaf: "_Leaf") -> Any:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is list:
        return _list(value, arguments[0], path, leaf)
    if origin in {dict, UntypedStripeObject}:
        return _mapping(value, arguments[-1], path, leaf)
    if hasattr(wanted, "__required_keys__"):  # a TypedDict, whichever module made it
        return _typed_dict(value, wanted, path, leaf)
    if isinstance(origin or wanted, type) and issubclass(origin or wanted, StripeObject):
        return _object(value, wanted, path, leaf)
    return leaf(value, wanted, path)


def _union(value: Any, arms: tuple[Any, ...], path: str, leaf: "_Leaf") -> Any:
    if value is None and NoneType in arms:
        return None
    if any(get_origin(arm) is Literal and get_args(arm) != ("",) for arm in arms):
        # The SDK writes Literal[...] | str so that older releases survive newer values; what is
        # said today must be one of today's values.
        arms = tuple(arm for arm in arms if arm is not str)
    findings = []
    for arm in arms:
        try:
            return _conform(value, arm, path, leaf)
        except Mismatch as finding:
            findings.append(finding)
    raise max(findings, key=lambda finding: len(finding.path))


def _literal(value: Any, allowed: tuple[Any, ...], path: str) -> Any:
    if value not in allowed:
        *others, last = (str(choice) for choice in allowed)
        choices = f"{', '.join(others)}, or {last}" if others else last
        raise Mismatch(path, "invalid", f"Invalid {path}: must be one of {choices}")
    return value


def _list(value: Any, item: Any, path: str, leaf: "_Leaf") -> list[Any]:
    if leaf is _from_form and isinstance(value, Mapping):
        if not all(key.isascii() and key.isdigit() for key in value):
            raise Mismatch(path, "invalid", "Invalid array")
        value = [value[key] for key in sorted(value, key=int)]
    if not isinstance(value, list):
        raise Mismatch(path, "invalid", "Invalid array")
    return [_conform(entry, item, f"{path}[{i}]", leaf) for i, entry in enumerate(value)]


def _mapping(value: Any, item: Any, path: str, leaf: "_Leaf") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Mismatch(path, "invalid", "Invalid object")
    return {key: _conform(entry, item, f"{path}[{key}]", leaf) for key, entry in value.items()}


def _typed_dict(value: Any, shape: Any, path: str, leaf: "_Leaf") -> dict[str, Any]:
    return _fields(value, _params(shape), shape.__required_keys__, path, leaf)


def _object(value: Any, shape: Any, path: str, leaf: "_Leaf") -> dict[str, Any]:
    resource = get_origin(shape) or shape
    name = getattr(resource, "OBJECT_NAME", None)
    if name is not None and (not isinstance(value, Mapping) or value.get("object") != name):
        raise Mismatch(path, "invalid", f"Invalid object: must be a {name}")
    if shape is StripeObject:  # of any kind
        return dict(value)
    annotations = dict(_annotations(resource))
    if name is not None:
        annotations.setdefault("object", str)
    if resource is ListObject:
        annotations["data"] = list[get_args(shape)[0]]  # type: ignore[misc]  # known at run time
    required = {key for key, wanted in annotations.items() if NoneType not in get_args(wanted)}
    return _fields(value, annotations, required, path, leaf)


def _fields(
    value: Any,
    annotations: Mapping[str, Any],
    required: typing.AbstractSet[str],
    path: str,
    leaf: "_Leaf",
) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Mismatch(path, "invalid", "Invalid object")

    def inside(key: str) -> str:
        return f"{path}[{key}]" if path else key

    for key in value:
        if key not in annotations:
            raise Mismatch(inside(key), "unknown", f"Received unknown parameter: {inside(key)}")
    for key in sorted(required):
        if key not in value:
            raise Mismatch(inside(key), "missing", f"Missing required param: {inside(key)}.")
    return {key: _conform(v, annotations[key], inside(key), leaf) for key, v in value.items()}


class _Leaf(typing.Protocol):
    def __call__(self, value: Any, wanted: Any, path: str) -> Any:
        """Return the value as the wanted plain type, or raise Mismatch."""


_NAMES: dict[Any, str] = {int: "integer", bool: "boolean", float: "number", Decimal: "decimal"}
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    bool: {"true": True, "false": False}.__getitem__,
    float: lambda text: float(Decimal(text)),
    Decimal: Decimal,
}


def _from_form(value: Any, wanted: Any, path: str) -> Any:
    if not isinstance(value, str):
        raise Mismatch(path, "invalid", f"Invalid {_NAMES.get(wanted, 'string')}")
    if wanted is str and value == "":
        raise Mismatch(path, "invalid_empty", f"You passed an empty string for '{path}'.")
    if wanted is int and not _INTEGER.fullmatch(value):
        raise Mismatch(path, "invalid_integer", f"Invalid integer: {value}")
    try:
        return _READERS[wanted](value)
    except (KeyError, InvalidOperation):
        message = f"Invalid {_NAMES.get(wanted, 'string')}: {value}"
        raise Mismatch(path, "invalid", message) from None


def _from_json(value: Any, wanted: Any, path: str) -> Any:
    accepted: dict[Any, tuple[type, ...]] = {float: (int, float), Decimal: (str,), Never: ()}
    fits = isinstance(value, accepted.get(wanted, (wanted,)))
    if not fits or (isinstance(value, bool) and wanted is not bool):
        raise Mismatch(path, "invalid", f"Invalid {_NAMES.get(wanted, 'string')}: {value!r}")
    return value


class _Names(dict[str, Any]):
    """What the annotations of a module name, also what it imports for type checkers only."""

    def __init__(self, shape: Any) -> None:
        super().__init__(vars(builtins) | vars(sys.modules[shape.__module__]))

    def __missing__(self, name: str) -> Any:
        # Inside another class of that name, the SDK calls a Card a CardResource.
        for known in (name, name.removesuffix("Resource")):
            for module in (stripe, typing):
                if hasattr(module, known):
                    return getattr(module, known)
        return Never  # of another part of Stripe, that the stand-in does not send


@cache
def _params(shape: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(shape, localns=_Names(shape))
    # The SDK's own options (the key, retries) are declared beside the parameters but not sent.
    return {k: v for k, v in hints.items() if k not in stripe.RequestOptions.__annotations__}


@cache
def _annotations(resource: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(resource, localns=_Names(resource))
    own = inspect.get_annotations(resource)
    return {key: hints[key] for key in own if get_origin(hints[key]) is not ClassVar}
