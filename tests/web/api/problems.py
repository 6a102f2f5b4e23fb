"""How calls are refused."""

from typing import Any


def problem(answer: Any) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["code"]
