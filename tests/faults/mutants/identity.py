"""Faults in who a person is: second steps and proofs."""

from tests.faults.mutants.breaking import (
    change,
    change_keyword,
    compare,
    drop_argument,
    drop_call,
    drop_if,
    instead,
    never,
    returns,
)
from tests.faults.mutants.mutant import Mutant

CODE_LIMITS = "tests/accounts/test_code_limits.py"
RECOVERY = "tests/accounts/test_recovery_codes.py"
FACTORS = tuple(
    f"tests/accounts/test_{name}.py" for name in ("factors", "second_steps", "passkeys", "proof")
)
PROOF = "tests/web/test_proof.py"
WAYS_IN = "tests/web/test_ways_in.py"
STEPS = "tests/faults/test_second_steps.py"
WHO = "tests/web/crawl/test_who.py"

_SECOND_STEPS = (
    Mutant(
        "the password is enough for whoever has a second factor",
        "begin_without_factor",
        never("has_factor"),
        (WAYS_IN, *FACTORS),
    ),
    Mutant(
        "a code is good twice",
        "_accept_code",
        compare("<=", "last_step"),
        (STEPS, *FACTORS),
    ),
    Mutant(
        "a recovery code is good twice",
        "_use_recovery_code",
        instead(
            "used = session.scalar(\n"
            "    select(RecoveryCode.id).where(\n"
            "        RecoveryCode.code_hash == recovery_hash(user.id, typed.text)\n"
            "    )\n"
            ")",
            "used",
            "delete",
        ),
        (STEPS, *FACTORS),
    ),
    Mutant(
        "a challenge is answered again",
        "_spend",
        never("spent"),
        (STEPS, *FACTORS),
    ),
    Mutant(
        "a copied passkey goes on",
        "_accept_passkey",
        change("kept < count if count else kept == 0", "kept >= 0"),
        FACTORS,
    ),
    Mutant(
        "a passkey that knows nobody signs in alone",
        "verified_count",
        change_keyword("require_user_verification", "False"),
        FACTORS,
    ),
    Mutant(
        "the first step is good for long",
        "halfway",
        change_keyword("valid_seconds", "10 * STEP_SECONDS"),
        FACTORS,
    ),
    Mutant(
        "wrong codes are not counted",
        "show",
        change("count_failure(tries)", "0"),
        (CODE_LIMITS, *FACTORS),
    ),
    Mutant(
        "new passwords give tries at codes without end",
        "CodeTries.check",
        drop_call("check", "_all"),
        (CODE_LIMITS,),
    ),
    Mutant(
        "new recovery codes leave other sessions",
        "make_recovery_codes",
        drop_call("_end_sign_ins"),
        (RECOVERY,),
    ),
    Mutant(
        "a removed factor leaves other sessions",
        "remove_factor",
        drop_call("_end_sign_ins"),
        FACTORS,
    ),
    Mutant(
        "the last factor goes where one is required",
        "remove_factor",
        drop_if("is_required"),
        (STEPS, *FACTORS),
    ),
    Mutant(
        "recovery codes outlive the factors that the school removes",
        "reset_factors",
        drop_call("_forget_codes"),
        (RECOVERY,),
    ),
    Mutant(
        "whoever lacks a required factor goes on",
        "require_anybody",
        drop_if("lacks_factor"),
        (WHO,),
    ),
)

_PROOFS = (
    Mutant(
        "a proof is good for ever",
        "is_fresh",
        returns("proved_at is not None", "FRESH"),
        (PROOF, *FACTORS),
    ),
    Mutant(
        "nobody is asked for a proof",
        "require_proof",
        never("is_fresh"),
        (PROOF,),
    ),
    Mutant(
        "somebody else's sign-in is proved",
        "_renew",
        drop_argument("SignIn.user_id == user_id"),
        FACTORS,
    ),
    Mutant(
        "a confirmed address proves anew",
        "confirm_address.begin",
        change_keyword("proved_at", "now()"),
        (WAYS_IN,),
    ),
)

MUTANTS = (*_SECOND_STEPS, *_PROOFS)
