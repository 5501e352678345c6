"""What a router in place lacks refuses the rules that ask for it; what cannot be asked refuses nothing."""

from collections.abc import Sequence

import pytest

from headgate.engine.refusals import Rejected
from headgate.engine.unable import check_able
from headgate.model.ids import EnvironmentId
from headgate.model.rules import Application, Environment
from headgate.ports import AdapterError
from headgate.testing.fakes.router import FakeRouter


class Lacking(FakeRouter):
    def __init__(self, *why: str, away: bool = False) -> None:
        super().__init__()
        self.why, self.away = why, away

    async def unable(self, environment: EnvironmentId, rules: Environment) -> Sequence[str]:
        if self.away:
            raise AdapterError("the cluster is away")
        return [f"{environment} {one}" for one in self.why]


RULES = Application("pcw", "/src", "headgate.yaml", (Environment("qa", "kubernetes", traffic="gateway_api"),))


async def test_what_it_lacks_is_told_of_each_environment() -> None:
    with pytest.raises(Rejected, match=r"^qa: pcw/qa keeps nobody; qa: pcw/qa mirrors nothing$"):
        await check_able({"gateway_api": Lacking("keeps nobody", "mirrors nothing")}, RULES)


async def test_what_lacks_nothing_or_cannot_be_asked_refuses_nothing() -> None:
    for router in (Lacking(), Lacking("anything", away=True), FakeRouter()):
        await check_able({"gateway_api": router}, RULES)
    await check_able({}, RULES)
