"""One form of answer for every error."""

from __future__ import annotations

import json

from voxgate.errors import ConfigProblem
from voxgate.observe.desk.refusal import Refusal


def test_an_answer_says_what_and_why() -> None:
    """By a code for the page and a sentence for the operator."""
    response = Refusal(429, "too_many_attempts", "Wait.", headers={"Retry-After": "9"}).response()
    assert response.status_code == 429
    assert response.headers["retry-after"] == "9"
    assert json.loads(response.body) == {"error": {"code": "too_many_attempts", "message": "Wait."}}


def test_what_is_wrong_with_values_stands_beside_it() -> None:
    """Each by its key, so that the page can show it at the field."""
    problem = ConfigProblem(key="vad.x", value="7", rule="is not known", source="desk")
    response = Refusal(422, "refused", "No.", problems=[problem]).response()
    shown = {"key": "vad.x", "value": "7", "rule": "is not known", "source": "desk"}
    assert json.loads(response.body)["error"]["problems"] == [shown]
