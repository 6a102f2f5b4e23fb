"""The mutation check stays runnable: each fault still finds the line that it breaks."""

import pytest

from tests.payments.mutations import FAULTS, ROOT, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_finds_its_line(fault: Fault) -> None:
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    assert (ROOT / fault.tests).exists()
