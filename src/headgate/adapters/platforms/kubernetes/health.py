"""What pods, their owners and events say, as instances with reasons that a person understands. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from headgate.adapters.kubernetes.cluster import Object
from headgate.adapters.kubernetes.names import REVISION, SERVICE
from headgate.adapters.platforms.kubernetes.pods import MAIN
from headgate.adapters.quoted import short
from headgate.model.ids import RevisionId
from headgate.model.observations import Instance

State = Literal["starting", "ready", "unready", "exited", "stopping"]
FORGIVEN = timedelta(minutes=1)  # a life of this length ends a row of deaths
FIRST_BACK_OFF, LONGEST_BACK_OFF = timedelta(seconds=10), timedelta(minutes=5)  # the kubelet's
LONG = 400  # characters of what others say
NOWHERE = "0.0.0.0:0"
IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
CONFIG = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")


@dataclass(frozen=True, slots=True)
class Told:
    """The latest Warning of each reason about one object, and how often it was said."""

    reason: str
    message: str
    at: str


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod, with what is said of it elsewhere."""

    object: Object
    stopping: bool  # nothing wants it any more
    events: Mapping[str, Told]
    last_words: str = ""  # of the container that ended


def instance(pod: Pod) -> Instance:
    object, status = pod.object, pod.object.get("status") or {}
    labels = object["metadata"].get("labels") or {}
    container = main_of(status.get("containerStatuses"))
    state, detail, retry_at = _state(pod, status, container)
    return Instance(
        id=object["metadata"]["name"],
        revision=RevisionId(labels.get(REVISION, "")),
        service=labels.get(SERVICE, ""),
        address=f"{status['podIP']}:{_port(object)}" if status.get("podIP") else NOWHERE,
        state=state,
        restarts=deaths(container),
        detail=detail,
        retry_at=retry_at,
    )


def missing(deployment: Object, there: int) -> Iterable[Instance]:
    """Pods that a Deployment asked for and that do not exist: why not, its conditions say."""
    labels, name = deployment["metadata"].get("labels") or {}, deployment["metadata"]["name"]
    for number in range(there, deployment["wanted"]):
        yield Instance(
            id=f"{name}-missing-{number + 1}",
            revision=RevisionId(labels.get(REVISION, "")),
            service=labels.get(SERVICE, ""),
            address=NOWHERE,
            state="starting",
            detail=_refused(deployment) or "its pod is being made",
        )


def _refused(deployment: Object) -> str:
    for one in (deployment.get("status") or {}).get("conditions") or []:
        if one.get("type") == "ReplicaFailure" and one.get("status") == "True":
            said = said_in(one.get("message"))
            remedy = "; raise the quota, ask for less, or retire what nobody uses" if "quota" in said else ""
            return f"the cluster makes no pod: {said}{remedy}"
    return ""


def _state(pod: Pod, status: Object, container: Object) -> tuple[State, str, datetime | None]:
    if pod.stopping or pod.object["metadata"].get("deletionTimestamp"):
        return "stopping", "told to stop", None
    if status.get("phase") == "Failed":
        why = " ".join(str(status.get(key, "")) for key in ("reason", "message")).strip()
        return "exited", said_in(why) or "its pod failed", None
    if ended := _ended(container):
        return "exited", ended + (f": {pod.last_words}" if pod.last_words else ""), retry_at(container)
    if _condition(status, "Ready").get("status") == "True":
        return "ready", "", None
    if waiting := (container.get("state") or {}).get("waiting"):
        return "starting", _waiting(waiting, pod.events), None
    if _condition(status, "PodScheduled").get("status") == "False":
        said = said_in(_condition(status, "PodScheduled").get("message"))
        return "starting", f"no node takes it: {said}", None
    if not container:
        return "starting", _warned(pod.events, "FailedMount", "FailedCreatePodSandBox") or "being started", None
    probe = _warned(pod.events, "Unhealthy") or "it does not answer its probe yet"
    return ("unready" if _was_ready(status) else "starting"), probe, None


def _waiting(waiting: Mapping[str, Any], events: Mapping[str, Told]) -> str:
    reason, message = str(waiting.get("reason", "")), said_in(waiting.get("message"))
    if reason in IMAGE:
        # A back-off says no more than that it is one; what the registry said stands in the event before it.
        said = _warned(events, "Failed") if reason == "ImagePullBackOff" else ""
        return f"{reason}: {said or message}"
    if reason in CONFIG:
        return f"{reason}: {message}{_remedy(message)}"
    return _warned(events, "FailedMount", "FailedCreatePodSandBox") or "being started"


def _remedy(said: str) -> str:
    """An image's own user is judged by its number, and a name has none."""
    if "non-numeric user" not in said and "image will run as root" not in said:
        return ""
    return '; write a number there, USER in its Dockerfile, or `container: {user: "1000"}` at the service'


def _ended(container: Object) -> str:
    """Words for how the container's last life ended, where it is over."""
    state = container.get("state") or {}
    over = state.get("terminated")
    if over is None and (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        over = (container.get("lastState") or {}).get("terminated") or {}
    if over is None:
        return ""
    lived = _moment(over.get("finishedAt")), _moment(over.get("startedAt"))
    for_long = f" after {max((lived[0] - lived[1]).total_seconds(), 0):g} s" if lived[0] and lived[1] else ""
    if over.get("reason") == "OOMKilled":
        return f"ended{for_long}: it used more memory than it may have (OOMKilled)"
    signal = f"signal {over['signal']}" if over.get("signal") else f"code {over.get('exitCode', '?')}"
    said = said_in(over.get("message"))
    return f"ended with {signal}{for_long}" + (f" ({said})" if said else "")


def deaths(container: Object) -> int:
    """In a row: those before a life of a minute are forgotten. The kubelet counts for ever."""
    if not container:
        return 0
    state, restarts = container.get("state") or {}, int(container.get("restartCount") or 0)
    if running := state.get("running"):
        began = _moment(running.get("startedAt"))
        return 0 if began and datetime.now(UTC) - began >= FORGIVEN else restarts
    over = state.get("terminated") or (container.get("lastState") or {}).get("terminated")
    if over is None:
        return restarts
    began, ended = _moment(over.get("startedAt")), _moment(over.get("finishedAt"))
    return 1 if began and ended and ended - began >= FORGIVEN else restarts + 1


def retry_at(container: Object) -> datetime | None:
    """When the kubelet starts it again, as far as it can be told: 10 s, 20 s, ... 5 min after its end."""
    state = container.get("state") or {}
    over = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    ended = _moment(over.get("finishedAt"))
    if ended is None:
        return None
    wait = FIRST_BACK_OFF * 2 ** min(int(container.get("restartCount") or 0), 10)
    return ended + min(wait, LONGEST_BACK_OFF)


def main_of(rows: Any) -> Object:
    """Of containers, or of what is said of them: a mesh's or a team's others may stand before ours."""
    found: list[Object] = rows or []
    return next((one for one in found if one.get("name") == MAIN), found[0] if found else {})


def _condition(status: Object, kind: str) -> Object:
    return next((one for one in status.get("conditions") or [] if one.get("type") == kind), {})


def _was_ready(status: Object) -> bool:
    """It turned unready after the pod had begun, and not with it."""
    turned, began = _condition(status, "Ready").get("lastTransitionTime"), status.get("startTime")
    first, second = _moment(turned), _moment(began)
    return bool(first and second and first - second > timedelta(seconds=1))


def _warned(events: Mapping[str, Told], *reasons: str) -> str:
    found = sorted((events[reason] for reason in reasons if reason in events), key=lambda one: one.at)
    return said_in(found[-1].message) if found else ""


def said_in(words: Any) -> str:
    """Others' words, on one line. Of nested errors the cause comes last: it is kept."""
    line = short(words, 10 * LONG) if words else ""
    return line if len(line) <= LONG else f"{line[: LONG // 2]} ... {line[-LONG // 2 :]}"


def _port(object: Object) -> int:
    """The first one of its container."""
    ports = main_of((object.get("spec") or {}).get("containers")).get("ports") or [{}]
    return int(ports[0].get("containerPort") or 0)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC) if text else None
    except ValueError:
        return None
