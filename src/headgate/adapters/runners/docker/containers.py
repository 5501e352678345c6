"""What the container of a step is: its name, its labels, and what the engine is asked to make. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from headgate.adapters.runners.steps.variables import told
from headgate.adapters.runners.steps.work import Life
from headgate.model.builds import StepContainer, StepOrder
from headgate.model.ids import StepRunId

RUNNER, STEP = "headgate.runner", "headgate.step"  # labels: whose container it is, and of which step
INSIDE = "/headgate"  # where the step's own folder stands in its container
OUTPUT, ENDED = "output", "ended"  # in that folder: the way into the log, and what is there once the command has ended
SHUT = 125  # exit code, where what is in that folder is someone else's
# $1 is the command line. Docker's own log would hold on its disk what is masked in ours.
WRAPPER = (
    f"[ -w {INSIDE}/{OUTPUT} ] || exit {SHUT}; exec >{INSIDE}/{OUTPUT} 2>&1 </dev/null; "
    f'/bin/sh -c "$1"; code=$?; : >{INSIDE}/{ENDED}; exit "$code"'
)
MAPPED = "its own folder is shut to it: an engine that maps users (rootless, userns-remap) cannot run steps"


def runner_id(data: Path) -> str:
    """The same folder has the same id, even after it was lost."""
    return hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]


def name(runner: str, step: StepRunId) -> str:
    return f"headgate-{runner}-{step}"


def request(runner: str, order: StepOrder, top: Path, user: str) -> dict[str, Any]:
    """The body of POST /containers/create. `top`: the folder that holds its checkout."""
    folders = {"HOME": f"{INSIDE}/home", "TMPDIR": f"{INSIDE}/tmp"}  # noqa: S108 - its own
    variables = {**folders, "PYTHONUNBUFFERED": "1", **told(order)}
    return {
        "Image": order.step.image,
        "Entrypoint": ["/bin/sh", "-c", WRAPPER, "headgate-step", order.step.run],
        "Cmd": [],
        "Env": [f"{name}={value}" for name, value in variables.items()],
        "WorkingDir": f"{INSIDE}/source",
        "User": user,
        "Labels": labels(runner, order),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host_request(top, order.step.container),
    }


def labels(runner: str, order: StepOrder) -> dict[str, str]:
    build = order.build
    known = {"application": build.application, "build": build.id, "commit": build.commit}
    return {RUNNER: runner, STEP: order.id, **{f"headgate.{name}": value for name, value in known.items()}}


def host_request(top: Path, own: StepContainer) -> dict[str, Any]:
    """Its own root may be written to: steps install what they need. It goes with the container."""
    return {
        "NetworkMode": "bridge",  # Docker's default one
        "Mounts": [{"Type": "bind", "Source": str(top.resolve()), "Target": INSIDE}],
        "RestartPolicy": {"Name": "no"},
        "Init": True,  # what it leaves behind is reaped
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "PidsLimit": own.processes,
        "Memory": own.memory or 0,  # bytes
        "MemorySwap": own.memory or 0,  # memory and swap together: no swap
        "NanoCpus": round((own.cpus or 0) * 1e9),
        "LogConfig": {"Type": "none"},
    }


def began_at(inspected: Mapping[str, Any]) -> datetime | None:
    """None: it was made, and never started."""
    moment = str(inspected["State"]["StartedAt"])
    return None if moment.startswith("0001-") else _moment(moment)


def ending(inspected: Mapping[str, Any], by_itself: bool, limit: int | None) -> Life:
    """Of one that runs no more. `by_itself`: its command line has ended, whatever ended the container."""
    state = inspected["State"]
    seconds = max((_moment(state["FinishedAt"]) - _moment(state["StartedAt"])).total_seconds(), 0.0)
    code, after = int(state["ExitCode"]), f"after {seconds:.1f} s"
    if code == 0 and by_itself:
        return Life("passed", seconds, f"passed in {seconds:.1f} s", whole=True)
    most = f"more than the {limit:,} bytes of `container: {{memory: ...}}`" if limit else "more than there is"
    memory = f"killed, because it needed more memory: {most}" if state.get("OOMKilled") else ""
    if by_itself:
        some = f"; a program of it was {memory}" if memory else ""
        return Life("failed", seconds, f"exited with code {code} {after}{some}", whole=True)
    if memory:
        return Life("failed", seconds, f"was {memory}")
    if code == SHUT:
        return Life("failed", seconds, f"could not begin: {MAPPED}", whole=True)
    return Life("lost", seconds, f"its container was ended {after} from outside, code {code}: was Docker restarted?")


def left(began: datetime, limit: timedelta, now: datetime) -> float:
    """Seconds that it may still run."""
    return max((began + limit - now).total_seconds(), 0.0)


def _moment(text: str) -> datetime:
    """2026-01-02T03:04:05.123456789Z has more digits than a datetime."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction:0<6.6}+00:00")
