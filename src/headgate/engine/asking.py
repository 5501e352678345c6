"""Webhook gates, asked beside the wheel: one that hangs delays no decision but its own.

Answers are for the start that waits now; a crash forgets them, and they are asked for again.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from headgate.model.ids import RolloutId
from headgate.model.observations import GateAnswer
from headgate.model.rollouts import EnvironmentState, Request
from headgate.model.rules import Environment, WebhookGate
from headgate.ports import Gatekeeper

GRACE = timedelta(seconds=0.2)  # a quick answer is in the same look
SPARE = timedelta(seconds=1)  # beyond the gate's own timeout, which the adapter keeps

Asked = tuple[WebhookGate, RolloutId]

log = logging.getLogger(__name__)


class Asking:
    def __init__(self, gatekeeper: Gatekeeper) -> None:
        self._gatekeeper = gatekeeper
        self._answers: dict[Asked, GateAnswer] = {}
        self._pending: dict[Asked, asyncio.Task[GateAnswer]] = {}

    async def take(self, state: EnvironmentState, rules: Environment, now: datetime) -> dict[Asked, GateAnswer]:
        """The latest answer of each gate that has one; what is due is asked, and waited for no longer than GRACE."""
        request = state.waiting
        if request is None or request.kind == "rollback":
            self.close()
            return {}
        wanted = {(gate, request.rollout) for gate in rules.gates if isinstance(gate, WebhookGate)}
        self._forget_all_but(wanted)
        self._collect()
        begun = [self._begin(one, request, now) for one in wanted if self._is_due(one, now)]
        if begun:
            await asyncio.wait(begun, timeout=GRACE.total_seconds())
            self._collect()
        return dict(self._answers)

    def close(self) -> None:
        self._forget_all_but(set())

    def _is_due(self, one: Asked, now: datetime) -> bool:
        known = self._answers.get(one)
        fresh = known is not None and timedelta() <= now - known.at < one[0].every
        return one not in self._pending and not fresh

    def _begin(self, one: Asked, request: Request, now: datetime) -> asyncio.Task[GateAnswer]:
        gate, _ = one
        self._pending[one] = asyncio.create_task(self._ask(gate, request, now), name=f"gate {gate.where}")
        return self._pending[one]

    def _collect(self) -> None:
        for one in [one for one, task in self._pending.items() if task.done()]:
            self._answers[one] = self._pending.pop(one).result()

    def _forget_all_but(self, wanted: set[Asked]) -> None:
        """Another release waits, or none: nobody's yes counts for another start."""
        for one in self._pending.keys() - wanted:
            self._pending.pop(one).cancel()
        self._answers = {one: answer for one, answer in self._answers.items() if one in wanted}

    async def _ask(self, gate: WebhookGate, request: Request, now: datetime) -> GateAnswer:
        """Whatever goes wrong is unknown, with its reason."""
        limit = gate.timeout + SPARE
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await self._gatekeeper.ask(gate, question(request, now), now)
        except TimeoutError:
            return GateAnswer(None, f"no answer within {limit.total_seconds():g} s", now)
        except Exception as error:
            log.exception("gate %s", gate.where)
            why = f"{type(error).__name__} (a defect of the adapter; see the server's log)"
            return GateAnswer(None, why, now)


def question(request: Request, now: datetime) -> dict[str, object]:
    """All that names the start. Variables and their values are not in it."""
    revision = request.revision
    application, _, environment = revision.environment.partition("/")
    return {
        "application": application,
        "environment": environment,
        "release": revision.release,
        "label": revision.label,
        "commit": revision.commit,
        "author": revision.author,
        "revision": revision.id,
        "images": {service.name: service.image for service in revision.services if service.image},
        "rollout": request.rollout,
        "hotfix": request.hotfix,
        "by": request.by,
        "why": request.why,
        "asked_at": now.isoformat(),
    }
