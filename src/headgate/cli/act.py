"""Commands that tell an environment to do something: one request, one sentence, and the way there if it is waited for.

Imports nothing that a rollback would have to wait for.
"""

import json
import os
import pwd
import socket
from typing import Any

from headgate.cli.api import Api, path
from headgate.cli.chosen import application
from headgate.cli.plain import minute, plain

HELD = frozenset({"pin", "unpin", "freeze", "unfreeze", "sign-off"})


def act(
    verb: str,
    environment: str,
    *,
    named: str | None = None,
    data: str | None = None,
    as_json: bool = False,
    wait: bool = False,
    **said: str | bool | None,
) -> int:
    """Returns the exit code. `named` is the application; `said` is by, why, and what only this verb has."""
    api = Api(data)
    where = application(api, named)
    body = {name: value for name, value in said.items() if value is not None and value is not False}
    done = api.post(path(where, "environments", environment, verb), {"by": person(), **body})
    if as_json and not wait:
        print(json.dumps(done))
    elif not as_json:
        print(plain(sentence(verb, done)), flush=True)
    if not wait:
        return 0
    from headgate.cli.follow import follow  # not needed by who is in a hurry

    return follow(api, done, verb, as_json)


def person() -> str:
    """Who asks, as far as this machine knows: user@host."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = f"uid{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def sentence(verb: str, done: dict[str, Any]) -> str:
    environment, candidate, stable = done.get("environment"), done.get("candidate"), done.get("stable")
    follow = f"`headgate watch {environment}` shows it"
    if verb == "migrate":
        return migrated(done)
    if verb in HELD:
        return held(verb, done)
    if verb == "pause":
        return f"the rollout of {candidate} in {environment} is paused; `headgate resume {environment}` lets it go on"
    if done.get("phase") == "aborting":
        return (
            f"the rollout of {candidate} in {environment} is being aborted; traffic goes back to {stable or 'nothing'}"
        )
    if verb == "rollback":
        safe = (done.get("horizon") or {}).get("safe_back_to")
        further = f" (safe back to {safe})" if safe not in (None, candidate) else ""
        return f"{environment} goes back to {candidate}{further}; {follow}"
    if verb == "deploy" and done.get("waiting"):
        return f"{done.get('label')} waits in {environment}; `headgate why {environment}` says for what{_pinned(done)}"
    doing = {"deploy": "rolls out in", "resume": "goes on in", "promote": "takes all traffic in"}[verb]
    return f"{candidate or done.get('label') or stable} {doing} {environment}; {follow}{_pinned(done)}"


def migrated(done: dict[str, Any]) -> str:
    environment = done.get("environment")
    running = [one for one in done.get("migrations", ()) if one["state"] == "running"]
    if not running:
        return f"the way back is open in {environment}; `headgate why {environment}` says how far"
    one = running[0]
    what = f"{one['kind']} migration {one['level']} of {one['service']}"
    return f"{what} runs in {environment}; `headgate why {environment}` says how it ends"


def held(verb: str, done: dict[str, Any]) -> str:
    """What was said of a release, rather than done with it."""
    environment, pinned = done.get("environment"), done.get("pinned") or {}
    if verb == "pin":
        until = f"nothing replaces it by itself until `headgate unpin {environment}`, or a deployment"
        return f"{pinned.get('label')} is pinned in {environment}: {until}"
    if verb == "unpin":
        return f"{environment} is no longer pinned: releases come as its rules say"
    if verb in {"freeze", "unfreeze"}:
        return _froze(verb, done)
    return f"{done.get('label')} is {done.get('verdict')} in {environment}"


def _froze(verb: str, done: dict[str, Any]) -> str:
    environment, whole = done.get("environment"), any(one["scope"] == "server" for one in done.get("frozen", ()))
    if verb == "unfreeze":
        still = "; every environment is still frozen: `headgate unfreeze --all`" if whole else ""
        return f"{environment} is no longer frozen by itself{still}"
    ends = [one["until"] for one in done.get("frozen", ()) if one["scope"] == "environment"]
    until = f"until {minute(ends[0])}, or " if ends and ends[0] else "until "
    goes_on = f"; the rollout of {done.get('candidate')} goes on: pause or abort it" if done.get("rollout") else ""
    return f"{environment} is frozen: no rollout starts {until}`headgate unfreeze {environment}`{goes_on}"


def _pinned(done: dict[str, Any]) -> str:
    """Said where something would come by itself otherwise."""
    pinned = done.get("pinned")
    if not pinned or pinned.get("deploy") == "on-request":
        return ""
    return f"; it is pinned: nothing replaces it by itself until `headgate unpin {done.get('environment')}`"
