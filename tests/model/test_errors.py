"""Several refusals as one: what may be waited out, and what never will be well, must not be lost."""

import pytest

from headgate.model.errors import joined
from headgate.ports import AdapterError, Away, Unusable

AWAY, OTHER, WRONG = Away("no answer"), AdapterError("no room"), Unusable("version 1 is gone")


@pytest.mark.parametrize(
    ("errors", "kind", "text"),
    [
        ([AWAY], Away, "no answer"),
        ([AWAY, Away("no answer"), Away("refused")], Away, "no answer; refused"),
        ([AWAY, OTHER], AdapterError, "no answer; no room"),
        ([AWAY, OTHER, WRONG], Unusable, "no answer; no room; version 1 is gone"),
    ],
)
def test_what_they_are_together(errors: list[AdapterError], kind: type[AdapterError], text: str) -> None:
    found = joined(errors)
    assert (type(found), str(found)) == (kind, text)
