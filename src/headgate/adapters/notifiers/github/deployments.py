"""GitHub's deployments API, version 2022-11-28.

A deployment carries its rollout in its payload: after a crash it is found again by that, and not made twice.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from headgate.adapters.credentials import from_variable
from headgate.adapters.notifiers.outgoing import Answer, Outgoing, taken
from headgate.adapters.quoted import short
from headgate.model.notices import Notice, Target
from headgate.ports import AdapterError, TryLater

STATES = {
    "requested": "queued",
    "started": "in_progress",
    "promoted": "success",
    "rolled-back": "success",
    "aborted": "failure",
    "dropped": "inactive",
}
LONGEST = 140  # characters of a description
EARLIER = 10  # deployments of an environment that are looked at, for those that are no longer what runs there


class GithubNotifier:
    def __init__(self) -> None:
        self._outgoing = Outgoing()

    async def notify(self, notice: Notice, target: Target, remembered: str) -> str:
        """Returns the deployment's id."""
        there = Repository(self._outgoing, target)
        if notice.kind == "test":
            await there.ask("GET", "/deployments?per_page=1")
            return ""
        deployment = remembered or await there.find(notice)
        if not deployment and notice.kind == "dropped":
            return ""  # nobody there has heard of it
        deployment = deployment or await there.create(notice)
        await there.state(deployment, STATES[notice.kind], notice.what, notice.link)
        if notice.kind in ("promoted", "rolled-back"):
            await there.retire(notice, deployment)
        return deployment

    async def close(self) -> None:
        await self._outgoing.close()


class Repository:
    def __init__(self, outgoing: Outgoing, target: Target) -> None:
        self._outgoing, self._settings = outgoing, target.settings
        self._root = f"{self._settings['api'].rstrip('/')}/repos/{self._settings['repository']}"
        self._headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {from_variable(self._settings['token_from'])}",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        }

    async def find(self, notice: Notice) -> str:
        """The newest deployment of this rollout; where the notice names none, of its release there."""
        wanted = {"rollout": notice.rollout} if notice.rollout else {"release": notice.release}
        query = f"sha={quote(notice.commit)}&environment={quote(notice.environment)}&task=deploy&per_page=100"
        found = await self.ask("GET", f"/deployments?{query}")
        return next((ident for ident, payload in _ours(found) if wanted.items() <= payload.items()), "")

    async def create(self, notice: Notice) -> str:
        """Of exactly that commit: nothing is merged, and no status of GitHub's own stands in the way."""
        payload = {"application": notice.application, "release": notice.release, "rollout": notice.rollout}
        made = await self.ask(
            "POST",
            "/deployments",
            ref=notice.commit,
            task="deploy",
            auto_merge=False,
            required_contexts=[],
            payload={"headgate": payload},
            environment=notice.environment,
            description=short(notice.what, LONGEST),
        )
        return str(_id(made))

    async def state(self, deployment: str, state: str, what: str, link: str = "") -> None:
        more = {"log_url": link, "environment_url": self._settings.get("environment_url", "")}
        said = {name: value for name, value in more.items() if value}
        where = f"/deployments/{quote(deployment, safe='')}/statuses"
        await self.ask("POST", where, state=state, description=short(what, LONGEST), auto_inactive=False, **said)

    async def retire(self, notice: Notice, stable: str) -> None:
        """GitHub itself ends earlier deployments for some environments only, production not among them."""
        query = f"environment={quote(notice.environment)}&task=deploy&per_page={EARLIER}"
        for ident, payload in _ours(await self.ask("GET", f"/deployments?{query}")):
            if ident == stable or payload.get("application") != notice.application:
                continue
            latest = await self.ask("GET", f"/deployments/{ident}/statuses?per_page=1")
            if isinstance(latest, list) and latest and latest[0].get("state") == "success":
                await self.state(ident, "inactive", f"{notice.label} is stable now")

    async def ask(self, method: str, path: str, **said: Any) -> Any:
        body = json.dumps(said).encode() if said else None
        now = datetime.now(UTC)
        answer = await self._outgoing.send(method, self._root + path, self._headers, body)
        return _unlimited(answer, now).json()


def _unlimited(answer: Answer, now: datetime) -> Answer:
    """Who asks too much is told until when, in a way of GitHub's own."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    reset = headers.get("x-ratelimit-reset", "")
    if answer.status in (403, 429) and headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        wait = timedelta(seconds=max(1, min(int(reset[:12]) - int(now.timestamp()), 3600)))
        raise TryLater("GitHub's rate limit is used up", wait)
    return taken(answer, now)


def _ours(found: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and payload of the deployments that Headgate made."""
    for one in found if isinstance(found, list) else []:
        payload = one.get("payload") if isinstance(one, dict) else None
        if isinstance(payload, str):  # as older ones are answered
            try:
                payload = json.loads(payload)
            except ValueError:
                continue
        own = payload.get("headgate") if isinstance(payload, dict) else None
        if isinstance(own, dict):
            yield str(_id(one)), own


def _id(deployment: Any) -> int:
    found = deployment.get("id") if isinstance(deployment, dict) else None
    if not isinstance(found, int):
        raise AdapterError("its answer names no deployment")
    return found
