"""Behind the door: what is asked to change something is put on record with its answer, refused or not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headgate.engine.recording import Recording
from headgate.model.record import Outcome

LARGEST_ANSWER = 64 << 10  # bytes of a refusal that are looked into
PREFIX = "/api/"
REVIEWS = "/review/"
PAGES = "/pages/"
TOLD = "told"  # in the state of a request
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass
class Told:
    """What a command is, where its path and its body do not say so: set by who reads it, as state of the request."""

    verb: str
    target: str
    body: Mapping[str, Any]
    answer: str = ""  # the refusal, where it is a page


class Recorder:
    def __init__(self, app: ASGIApp, recording: Recording) -> None:
        self._app, self._recording = app, recording

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_command(scope):
            await self._app(scope, receive, send)
            return
        message = await receive()  # whole: see Guard
        answer = Answer(send)
        try:
            await self._app(scope, again(message, receive), answer.take)
        finally:
            told = scope.get("state", {}).get(TOLD) or Told(*named(scope["path"]), _object(message.get("body", b"")))
            outcome, why = answer.outcome()
            await self._recording.answered(told.verb, told.target, told.body, outcome, told.answer or why)
            await answer.give()


async def turned_away(recording: Recording, scope: Scope, refusal: Response) -> None:
    """By the door. What was sent is not looked at, so it is not on record either."""
    if _is_command(scope):
        verb, target = named(scope["path"])
        await recording.answered(verb, target, {}, "refused", _what(bytes(refusal.body)) or "not signed in")


def _is_command(scope: Scope) -> bool:
    ours = (PREFIX, REVIEWS, PAGES)
    return scope["type"] == "http" and scope["method"] in CHANGING and scope["path"].startswith(ours)


class Answer:
    """Held back until it is on record: who was told yes finds it there."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: list[Message] = []

    async def take(self, message: Message) -> None:
        self._held.append(message)

    async def give(self) -> None:
        for message in self._held:
            await self._send(message)

    def outcome(self) -> tuple[Outcome, str]:
        status = next((one["status"] for one in self._held if one["type"] == "http.response.start"), 500)
        if status < 400:
            return "accepted", ""
        body = b"".join(one.get("body", b"") for one in self._held)[:LARGEST_ANSWER]
        return ("failed" if status >= 500 else "refused"), _what(body) or f"HTTP status {status}"


def named(path: str) -> tuple[str, str]:
    """The verb and what it is asked of: ("deploy", "pcw/production"), ("apply", ""), ("freeze", "")."""
    if path.startswith(REVIEWS):
        return "review", ""  # what follows is the link itself, which nobody may read in the log
    if path.startswith(PAGES):
        return "answer", path.removeprefix(PAGES).strip("/")[:200]
    parts = [part[:100] for part in path.removeprefix(PREFIX).strip("/").split("/")][:8]
    match parts:
        case ["applications"]:
            return "apply", ""
        case ["applications", application, "environments", environment, *verb]:
            return " ".join(verb), f"{application}/{environment}"
        case ["applications", application, *verb]:
            return " ".join(verb), application
        case _:
            return " ".join(parts), ""


def _what(body: bytes) -> str:
    error = _object(body).get("error")
    return str(error.get("what", "")) if isinstance(error, dict) else ""


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def again(message: Message, receive: Receive) -> Receive:
    """What was received already comes once more, before the rest."""
    messages = [message]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
