"""Each test's database goes with it, whoever is first to remove its files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Sqlite


def test_a_file_that_vanishes_while_a_database_is_removed_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Path.glob

    def glob(folder: Path, pattern: str) -> Iterator[Path]:
        for file in sorted(listed(folder, pattern)):
            if file.name.endswith("-shm"):
                file.unlink()  # as the last connection does when it ends
            yield file

    monkeypatch.setattr(Path, "glob", glob)
    with Sqlite(tmp_path).empty() as url:
        database = Path(url.removeprefix("sqlite:///"))
        for suffix in ("", "-shm", "-wal"):
            Path(f"{database}{suffix}").touch()
    assert list(tmp_path.iterdir()) == []
