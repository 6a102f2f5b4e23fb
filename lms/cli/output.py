"""A command's report as JSON, as the same report leaves the interface."""

import json
from typing import Any

import click
from pydantic import TypeAdapter

json_option = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")


def print_json(model: type, value: Any) -> None:
    """Print a report, its keys in camelCase."""
    report = TypeAdapter(model).dump_python(value, by_alias=True, mode="json")
    click.echo(json.dumps(report, indent=2))
