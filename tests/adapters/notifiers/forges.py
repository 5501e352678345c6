"""GitHub and GitLab as their documentation describes them, as far as deployments go. The real ones were not asked."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.adapters.notifiers.loopback import Asked

TOKEN = "a-token-of-the-forge"


class Github:
    """docs.github.com/rest/deployments, version 2022-11-28."""

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = []  # newest first, as it lists them
        self.statuses: dict[int, list[dict[str, Any]]] = {}

    async def __call__(self, asked: Asked) -> tuple[int, Any]:
        assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
        assert asked.headers["Accept"] == "application/vnd.github+json"
        assert asked.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert asked.headers["User-Agent"]  # without one it refuses
        parts = urlsplit(asked.path)
        assert parts.path.startswith("/repos/company/shop/deployments")
        rest = parts.path.removeprefix("/repos/company/shop/deployments").strip("/").split("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if rest == [""]:
            return self._create(asked.json) if asked.method == "POST" else (200, self._listed(query))
        assert rest[1] == "statuses"
        ident = int(rest[0])
        return self._state(ident, asked.json) if asked.method == "POST" else (200, self.statuses.get(ident, [])[:1])

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        allowed = {"ref", "task", "auto_merge", "required_contexts", "payload", "environment", "description"}
        assert set(body) <= allowed
        assert body["ref"]
        assert len(body["description"]) <= 140
        made = {**body, "id": len(self.deployments) + 1, "sha": body["ref"]}
        self.deployments.insert(0, made)
        return 201, made

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        same = {name: query[name] for name in ("sha", "environment", "task") if name in query}
        found = [one for one in self.deployments if same.items() <= one.items()]
        return found[: int(query.get("per_page", 30))]

    def _state(self, ident: int, body: dict[str, Any]) -> tuple[int, Any]:
        assert set(body) <= {"state", "log_url", "description", "environment_url", "auto_inactive"}
        assert body["state"] in ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
        assert len(body["description"]) <= 140
        self.statuses.setdefault(ident, []).insert(0, body)
        return 201, {"id": 1, **body}


class Gitlab:
    """docs.gitlab.com/api/deployments and /api/environments, version 4."""

    def __init__(self) -> None:
        self.deployments: list[dict[str, Any]] = []
        self.external_url: str | None = None

    async def __call__(self, asked: Asked) -> tuple[int, Any]:
        assert asked.headers["PRIVATE-TOKEN"] == TOKEN
        parts = urlsplit(asked.path)
        assert parts.path.startswith("/api/v4/projects/company%2Fshop/")
        kind, *rest = unquote(parts.path.removeprefix("/api/v4/projects/company%2Fshop/")).split("/")
        if kind == "environments":
            assert asked.method == "PUT"
            self.external_url = asked.json["external_url"]
            return 200, {}
        if rest:
            return self._one(asked, int(rest[0]))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._create(asked.json) if asked.method == "POST" else (200, self._listed(query))

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        assert set(body) == {"environment", "sha", "ref", "tag", "status"}
        assert isinstance(body["tag"], bool)
        assert body["status"] in ("running", "success", "failed", "canceled")
        there = {"id": 7, "name": body["environment"], "external_url": self.external_url}
        made = {"id": len(self.deployments) + 1, **body, "environment": there}
        self.deployments.append(made)
        return 201, made

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted = query.get("environment")
        return [one for one in reversed(self.deployments) if wanted in (None, one["environment"]["name"])]

    def _one(self, asked: Asked, ident: int) -> tuple[int, Any]:
        one = self.deployments[ident - 1]
        if asked.method == "PUT":
            assert one["status"] in ("created", "running"), "GitLab refuses to change what is finished"
            one["status"] = asked.json["status"]
        return 200, one
