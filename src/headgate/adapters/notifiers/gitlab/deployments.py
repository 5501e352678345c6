"""GitLab's deployments and environments API, version 4.

A deployment there has no room for a name of ours: after a crash it is the newest one of that commit that still runs.
"""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from headgate.adapters.credentials import from_variable
from headgate.adapters.notifiers.outgoing import Outgoing, taken
from headgate.model.notices import Notice, Target
from headgate.ports import AdapterError

STATES = {"started": "running", "promoted": "success", "rolled-back": "success", "aborted": "failed"}
UNFINISHED = ("created", "running")
TAG = "refs/tags/"


class GitlabNotifier:
    def __init__(self) -> None:
        self._outgoing = Outgoing()

    async def notify(self, notice: Notice, target: Target, remembered: str) -> str:
        """Returns the deployment's id."""
        there = Project(self._outgoing, target)
        if notice.kind == "test":
            await there.ask("GET", "/deployments?per_page=1")
            return ""
        wanted = STATES.get(notice.kind)
        if wanted is None:
            return remembered  # GitLab knows no deployment that waits
        known = await there.deployment(remembered) if remembered else await there.find(notice, wanted)
        if known is None:
            return await there.create(notice, wanted)
        if known.get("status") in UNFINISHED and known.get("status") != wanted:
            await there.ask("PUT", f"/deployments/{_id(known)}", status=wanted)
        return str(_id(known))

    async def close(self) -> None:
        await self._outgoing.close()


class Project:
    def __init__(self, outgoing: Outgoing, target: Target) -> None:
        self._outgoing, self._settings = outgoing, target.settings
        self._root = f"{self._settings['api'].rstrip('/')}/projects/{quote(self._settings['project'], safe='')}"
        self._headers = {
            "PRIVATE-TOKEN": from_variable(self._settings["token_from"]),
            "Content-Type": "application/json",
        }

    async def deployment(self, ident: str) -> dict[str, Any] | None:
        found = await self.ask("GET", f"/deployments/{quote(ident, safe='')}")
        return found if isinstance(found, dict) else None

    async def find(self, notice: Notice, wanted: str) -> dict[str, Any] | None:
        """What is made anew is looked for too: it may have been made, and not noted."""
        query = f"environment={quote(notice.environment)}&order_by=id&sort=desc&per_page=20"
        found = await self.ask("GET", f"/deployments?{query}")
        same = [one for one in found if isinstance(one, dict) and one.get("sha") == notice.commit]
        return next((one for one in same if one.get("status") in (*UNFINISHED, wanted)), None)

    async def create(self, notice: Notice, status: str) -> str:
        tag = notice.ref.startswith(TAG)
        made = await self.ask(
            "POST",
            "/deployments",
            environment=notice.environment,
            sha=notice.commit,
            ref=notice.ref.removeprefix(TAG) or notice.commit,
            tag=tag,
            status=status,
        )
        await self._address(made)
        return str(_id(made))

    async def _address(self, made: Any) -> None:
        """Where users reach the environment, which GitLab made with its first deployment."""
        url = self._settings.get("environment_url")
        there = made.get("environment") if isinstance(made, dict) else None
        if not url or not isinstance(there, dict) or not isinstance(there.get("id"), int):
            return
        if there.get("external_url") != url:
            await self.ask("PUT", f"/environments/{there['id']}", external_url=url)

    async def ask(self, method: str, path: str, **said: Any) -> Any:
        body, now = json.dumps(said).encode() if said else None, datetime.now(UTC)
        return taken(await self._outgoing.send(method, self._root + path, self._headers, body), now).json()


def _id(deployment: Any) -> int:
    found = deployment.get("id") if isinstance(deployment, dict) else None
    if not isinstance(found, int):
        raise AdapterError("its answer names no deployment")
    return found
