"""Whatever is kept about people is declared: what it is, who sees it, what becomes of it."""

import re
from pathlib import Path

import pytest

from lms.db import Base
from lms.models.personal import IMPERSONAL, KEPT, Kept

DOCUMENT = Path(__file__).parents[2] / "docs" / "privacy.md"
ABOUT_PEOPLE = re.compile(
    r"(^|_)(user|student|actor|person|admin)_(id|name|email)$|_by(_name)?$|email$|recipient$"
)
SECRETS = re.compile(r"hash|secret|token|credential|public_key|checkout_url|^link$|^body$")
TABLES = sorted(
    (mapper.class_ for mapper in Base.registry.mappers), key=lambda table: table.__tablename__
)


def test_every_table_is_declared_once() -> None:
    declared = {kept.table for kept in KEPT}
    assert declared | IMPERSONAL.keys() == set(TABLES)
    assert not declared & IMPERSONAL.keys()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__tablename__)
def test_every_column_that_refers_to_a_person_is_declared(table: type[Base]) -> None:
    declared = {name for kept in KEPT if kept.table is table for name in kept.people}
    columns = Base.metadata.tables[table.__tablename__].columns
    refers = {
        column.name
        for column in columns
        if ABOUT_PEOPLE.search(column.name)
        or any(key.column.table.name == "users" for key in column.foreign_keys)
    }
    preferences = {"password_hash", "last_error"}
    assert refers - preferences <= declared
    assert declared <= set(columns.keys())


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.what)
def test_what_is_exported_holds_no_secret_and_what_is_not_has_a_reason(kept: Kept) -> None:
    names = {column.name for column in Base.metadata.tables[kept.table.__tablename__].columns}
    assert kept.left_out.keys() <= {*names, "*"}
    assert all(kept.left_out.values())
    assert bool(kept.file) == bool(kept.exported)
    assert not [name for name in kept.exported if SECRETS.search(name)]


def test_each_file_of_an_export_has_a_name_of_its_own() -> None:
    files = [kept.file for kept in KEPT if kept.file]
    assert len(files) == len(set(files))


def test_the_document_says_all_of_it() -> None:
    assert rows_of(DOCUMENT.read_text()) == [*map(row, KEPT)]


def rows_of(text: str) -> list[str]:
    """Return the rows of the document's table of what is kept."""
    return [line for line in text.splitlines() if line.startswith("| `")]


def row(kept: Kept) -> str:
    """Return what the document says of one entry; a new column changes it."""
    file = f"`{kept.file}`: {', '.join(kept.exported)}" if kept.file else "no"
    table = kept.table.__tablename__
    return f"| `{table}` | {kept.what} | {kept.seen_by} | {kept.until} | {kept.erased} | {file} |"
