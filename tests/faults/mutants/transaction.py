"""Faults in the transaction that every verb is."""

from tests.faults.mutants.mutant import ACCESS, LIVE, RACES, TRANSACTION, Mutant

_FILE = "lms/transaction.py"

MUTANTS = (
    Mutant(
        "nothing is tried again",
        _FILE,
        "                if not _is_transient(error):\n                    raise\n"
        "                time.sleep(random",
        "                if error:\n                    raise\n                time.sleep(random",
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "everything is tried again",
        _FILE,
        "                if not _is_transient(error):\n                    raise\n"
        "                time.sleep(random",
        "                time.sleep(random",
        (TRANSACTION,),
    ),
    Mutant(
        "a deadlock is an error",
        _FILE,
        '{"40001", "40P01", "55P03"}',
        '{"40001", "55P03"}',
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a lock timeout is an error",
        _FILE,
        '{"40001", "40P01", "55P03"}',
        '{"40001", "40P01"}',
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a busy SQLite is an error",
        _FILE,
        '    return "database is locked" in str(error.orig)',
        "    return False",
        (TRANSACTION,),
    ),
    Mutant(
        "a lost connection is an error",
        _FILE,
        "    if error.connection_invalidated:\n        return True\n",
        "",
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a commit whose answer is lost is made twice",
        _FILE,
        "                if not error.connection_invalidated or not _has_committed(",
        "                if not error.connection_invalidated or _has_committed(",
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a commit that was lost counts as made",
        _FILE,
        '                    return bool(found == "committed")',
        "                    return True",
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "what became of a commit is not waited for",
        _FILE,
        '                if (found := connection.scalar(status)) != "in progress":',
        '                if (found := connection.scalar(status)) != "never":',
        (TRANSACTION,),
        engine="postgresql",
    ),
    Mutant(
        "a verb runs inside another",
        _FILE,
        "        if _inside.get():",
        "        if not _inside:",
        (TRANSACTION,),
    ),
    Mutant(
        "after a verb nothing else may run",
        _FILE,
        "    finally:\n        _inside.reset(token)",
        "    finally:\n        _ = token",
        (TRANSACTION, ACCESS),
    ),
    Mutant(
        "the pages hear of nothing",
        _FILE,
        "            publish(session)\n",
        "",
        (LIVE, TRANSACTION),
    ),
    Mutant(
        "the past is read on after a verb",
        _FILE,
        "        db.session.close()\n",
        "",
        (TRANSACTION,),
    ),
    Mutant(
        "a verb sees a snapshot instead of what it waited for",
        "lms/db.py",
        'execution_options(writer=True, isolation_level="READ COMMITTED")',
        "execution_options(writer=True)",
        (RACES, TRANSACTION),
        engine="postgresql",
    ),
    Mutant(
        "a writer on SQLite begins like a reader",
        "lms/db.py",
        '"BEGIN IMMEDIATE" if writes else "BEGIN"',
        '"BEGIN"',
        (TRANSACTION, "tests/test_db.py", RACES),
    ),
    Mutant(
        "one time that is none takes pages away",
        "lms/db.py",
        "    except (ValueError, OverflowError):\n        return None",
        "    except OverflowError:\n        return None",
        ("tests/web/test_unreadable_times.py",),
    ),
)
