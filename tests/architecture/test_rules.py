"""Every rule of this folder is kept by lms, and catches each of its made-up offenders."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from tests.architecture.rule import ROOT, RULES, Rule

for topic in iter_modules([str(Path(__file__).parent)]):
    import_module(f"tests.architecture.{topic.name}")

OFFENDERS = [(rule, path, source) for rule in RULES for path, source in rule.offenders]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_house_keeps_its_rules(rule: Rule) -> None:
    assert rule.broken(ROOT) == []


def test_every_rule_has_an_offender() -> None:
    assert RULES
    assert [str(rule) for rule in RULES if not rule.offenders] == []


@pytest.mark.parametrize(("rule", "path", "source"), OFFENDERS, ids=str)
def test_a_broken_rule_is_caught(tmp_path: Path, rule: Rule, path: str, source: str) -> None:
    made_up = tmp_path / path
    made_up.parent.mkdir(parents=True)
    made_up.write_text("first = 1\n")
    assert rule.broken(tmp_path) == []
    made_up.write_text(source)
    assert len(rule.broken(tmp_path)) == 1
