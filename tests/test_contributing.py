"""What the guides name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`((?:lms|templates|static|tests|docs)/[\w./-]+|[\w-]+\.(?:md|toml))`")
GUIDES = ("CONTRIBUTING.md", "docs/architecture.md", "docs/operating.md", "docs/design-system.md")


def missing(text: str) -> list[str]:
    return [path for path in NAMED.findall(text) if not (ROOT / path).exists()]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_file_that_a_guide_names_exists(guide: str) -> None:
    assert missing((ROOT / guide).read_text()) == []


def test_every_module_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    lines = text[text.index("## A change") :]
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)+)(?:\.[A-Za-z_]+)*`", lines)
    places = (ROOT / "lms", ROOT)
    gone = [path for path in named if not any(list(place.glob(f"{path}*")) for place in places)]
    assert len(named) > 20
    assert gone == []


def test_a_file_that_has_gone_is_noticed() -> None:
    assert missing("`lms/enrollment` and `lms/enrollment/told.py`") == ["lms/enrollment/told.py"]


def test_there_is_a_recipe_for_each_usual_change() -> None:
    recipes = re.findall(r"^### (.+)$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert len(recipes) == len(set(recipes)) >= 12
