"""Faults in imports from the browser: what was confirmed, whose turn it is, who may reach what."""

from tests.faults.mutants.breaking import (
    change,
    drop_call,
    drop_keyword,
    drop_operand,
    never,
)
from tests.faults.mutants.mutant import Mutant

RUNS, WEB = "tests/importing/runs/test_runs.py", "tests/web/test_admin_importing.py"

MUTANTS = (
    Mutant(
        "what has changed since the preview is imported",
        "runs.work:_apply",
        never("fingerprint"),
        (RUNS,),
    ),
    Mutant(
        "another file is imported than was previewed",
        "runs.work:_apply",
        drop_call("_refuse_other_file"),
        (RUNS,),
    ),
    Mutant(
        "a preview of other answers is confirmed",
        "runs.life:confirm",
        drop_operand("run.mark != mark"),
        (RUNS,),
    ),
    Mutant(
        "an import is applied twice at once",
        "runs.life:confirm",
        never("_is_interrupted"),
        (RUNS,),
    ),
    Mutant(
        "whoever lost the turn imports nevertheless",
        "runs.life:_is_mine",
        change("ImportRun.turn == taken.turn", "ImportRun.id == taken.id"),
        (RUNS,),
    ),
    Mutant(
        "an import that was ended is applied",
        "runs.life:keep_result",
        never("returning"),
        (RUNS,),
    ),
    Mutant(
        "a killed import is applied again by itself",
        "runs.life:take",
        never("run.owner"),
        (RUNS,),
    ),
    Mutant(
        "a result shows people's rows",
        "runs.life:_without_rows",
        drop_keyword("sample"),
        (RUNS,),
    ),
    Mutant(
        "any host can be reached",
        "runs.reach:checked",
        never("hosts"),
        (WEB,),
    ),
    Mutant(
        "an address leads elsewhere by its options",
        "runs.reach:checked",
        never("others"),
        (WEB,),
    ),
    Mutant(
        "whatever is uploaded is opened",
        "runs.files:keep_database",
        drop_call("_refuse_others"),
        (WEB,),
    ),
    Mutant(
        "an import needs no proof",
        "web.admin.importing:apply_import",
        drop_call("require_proof"),
        (WEB,),
    ),
    Mutant(
        "an address stands in the page that comes back",
        "web.admin.importing:_emptied",
        change("''", "shown.secret_address.data"),
        (WEB,),
    ),
)
