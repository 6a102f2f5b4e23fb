import pytest
from tests.builders import *
from tests.invariants import assert_invariants
from lms.db import db
pytestmark = pytest.mark.usefixtures("context")
@pytest.mark.parametrize("n", range(20))
def test_x(sql, n):
    s = a_student(); c = everybodys_course(chapters=2)
    assert sql("select count(*) from enrollments")[0][0]==1
    assert_invariants(db.session)
