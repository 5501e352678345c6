"""The server is killed while a hook is down, and before it noted that it was heard: nothing is lost."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.adapters.notifiers.loopback import Asked, Loopback
from tests.faults.stage import Stage

pytestmark = [pytest.mark.real("envoy"), pytest.mark.timeout(90)]
KEY = "a key of the hook"


class Hook:
    """Another system, which may answer late."""

    def __init__(self) -> None:
        self.there = Loopback(self._answer)
        self.answers = asyncio.Event()
        self.answers.set()

    async def _answer(self, asked: Asked) -> tuple[int, Any]:
        await self.answers.wait()
        return 204, None

    def heard(self, kind: str) -> list[str]:
        """The ids under which it was told."""
        told = [(one.json["data"]["customData"]["headgate"]["kind"], one) for one in self.there.asked]
        for _, one in told:
            signed = f"{one.headers['webhook-id']}.{one.headers['webhook-timestamp']}.".encode() + one.body
            digest = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
            assert one.headers["webhook-signature"] == f"v1,{digest}"
        return [one.headers["webhook-id"] for found, one in told if found == kind]


@contextmanager
def told_there(stage: Stage, url: str) -> Iterator[None]:
    file = stage.repository.folder / "headgate.yaml"
    before = file.read_text()
    file.write_text(f"{before}\nnotifications: [{{webhook: {{url: '{url}', secret_from: NOTIFY_KEY}}}}]\n")
    yield
    file.write_text(before)


async def test_a_hook_hears_of_everything_whatever_is_killed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_KEY", KEY)
    hook = Hook()
    await hook.there.start()

    async def heard(kind: str, times: int = 1) -> list[str]:
        async def often() -> list[str] | None:
            return found if len(found := hook.heard(kind)) >= times else None

        return await stage.until(often, f"{kind} is heard {times} times")

    try:
        await stage.serve()
        with told_there(stage, hook.there.url("/events?token=hidden")):
            await stage.apply()
        await asyncio.sleep(1)  # it is followed
        await stage.tell("freeze", why="the sale")
        await heard("frozen")

        hook.there.refusal = (503, {})
        await stage.tell("unfreeze")
        await asyncio.sleep(1)
        stage.kill_server()
        hook.there.refusal = None
        await stage.serve()
        await heard("unfrozen")

        hook.answers.clear()
        await stage.tell("freeze", why="the sale again")
        await heard("frozen", 2)
        stage.kill_server()  # the hook has it, and the server has not noted it
        hook.answers.set()
        await stage.serve()
        first, *again = await heard("frozen", 3)
        assert len(set(again)) == 1
        assert first not in again

        shown = stage.command("notifications").stdout
        assert "well" in shown
        assert "hidden" not in shown + stage.output.read_text()
        assert KEY not in stage.output.read_text()
    finally:
        await hook.there.close()
