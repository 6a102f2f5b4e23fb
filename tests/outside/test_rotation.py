"""SECRET_KEY is rotated and PUBLIC_URL set while people are signed in, over real connections."""

import pytest
import requests

from tests.databases import Server
from tests.outside.client import newcomer
from tests.outside.test_front import OpenPage
from tests.patience import PATIENCE
from tests.server import serving

OLD = "an old key that is long enough for production"
NEW = "another key that is long enough for production"


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_open_pages_and_monitors_notice_nothing(server: Server) -> None:
    with server.migrated() as url, serving(url, SECRET_KEY=OLD) as portal:
        student = newcomer(portal, "x@example.org")
        page = OpenPage(student)
        portal.stop()
        public = f"http://localhost:{portal.port}"
        portal._settings |= {"SECRET_KEY": f"{NEW},{OLD}", "PUBLIC_URL": public}
        portal.start()  # waits for /healthz, under the address 127.0.0.1
        assert page.polls() == {304}
        assert student.get("/login").status_code == 400
        login = requests.get(f"{public}/login", timeout=PATIENCE)
        assert login.status_code == 200
        portal.stop()
        portal._settings |= {"SECRET_KEY": NEW}
        portal.start()
        assert 304 not in page.polls()
        assert "Traceback" not in portal.said()
