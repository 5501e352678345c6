"""Reasons that a person understands, from what pods and events say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headgate.adapters.platforms.kubernetes.health import Pod, Told, deaths, instance, missing

LABELS = {"headgate.dev/service": "web", "headgate.dev/revision": "rev_1"}


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod(
    state: dict[str, Any] | None = None, events: dict[str, str] | None = None, words: str = "", **more: Any
) -> Pod:
    counted = {"restartCount": more.pop("restarts", 0), "lastState": more.pop("last", {})}
    containers = [{"name": "main", "state": state, **counted}]
    status = {"podIP": "10.1.2.3", **({"containerStatuses": containers} if state else {}), **more}
    metadata = {"name": "web-1-a", "labels": LABELS}
    spec = {"containers": [{"ports": [{"containerPort": 8000}]}]}
    told = {reason: Told(reason, message, ago(1)) for reason, message in (events or {}).items()}
    return Pod({"metadata": metadata, "spec": spec, "status": status}, False, told, words)


CRASHED: dict[str, Any] = {"exitCode": 3, "startedAt": ago(5), "finishedAt": ago(3)}
OUT_OF_MEMORY = {**CRASHED, "reason": "OOMKilled", "exitCode": 137}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}}
RUNNING = {"running": {"startedAt": ago(5)}}
NO_NODE = "0/3 nodes are available: 3 Insufficient memory."
REGISTRY = 'failed to pull image "r/web@sha256:0": manifest unknown'
NOT_SCHEDULED = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_NODE}]
UNREADY = [{"type": "Ready", "status": "False", "lastTransitionTime": ago(5)}]
TURNED = [{"type": "Ready", "status": "False", "lastTransitionTime": ago(5)}]
LONG_NAME = f"r.example.org/{'a' * 200}@sha256:{'0' * 64}"
NESTED = f'failed to pull "{LONG_NAME}": failed to resolve "{LONG_NAME}": {LONG_NAME}: not found'
NAMED = "container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root"
PROBE = "Readiness probe failed: HTTP probe failed with statuscode: 503"


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (pod({"waiting": {"reason": "ErrImagePull", "message": REGISTRY}}), "starting", f"ErrImagePull: {REGISTRY}"),
        (
            pod({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}}, {"Failed": REGISTRY}),
            "starting",
            f"ImagePullBackOff: {REGISTRY}",
        ),
        (pod({"terminated": CRASHED}, words="no database"), "exited", "ended with code 3 after 2 s: no database"),
        (pod(BACK_OFF, last={"terminated": CRASHED}, restarts=2), "exited", "ended with code 3 after 2 s"),
        (pod({"terminated": OUT_OF_MEMORY}), "exited", "it used more memory than it may have"),
        (pod(conditions=NOT_SCHEDULED), "starting", f"no node takes it: {NO_NODE}"),
        (pod(RUNNING, {"Unhealthy": PROBE}, conditions=UNREADY, startTime=ago(5)), "starting", PROBE),
        (pod(RUNNING, {"Unhealthy": PROBE}, conditions=TURNED, startTime=ago(60)), "unready", PROBE),
        (pod({"waiting": {"reason": "CreateContainerConfigError", "message": "no Secret"}}), "starting", "Secret"),
        (pod({"waiting": {"reason": "ErrImagePull", "message": NESTED}}), "starting", f"{'0' * 64}: not found"),
        (pod({"waiting": {"reason": "CreateContainerConfigError", "message": NAMED}}), "starting", 'user: "1000"'),
        (pod(events={"FailedMount": "volume is gone"}), "starting", "volume is gone"),
        (pod(phase="Failed", reason="Evicted", message="low on memory."), "exited", "Evicted low on memory"),
        (pod(RUNNING, conditions=[{"type": "Ready", "status": "True"}]), "ready", ""),
    ],
)
def test_each_state_has_its_reason(seen: Pod, state: str, words: str) -> None:
    found = instance(seen)
    assert (found.state, found.address) == (state, "10.1.2.3:8000")
    assert words in found.detail


def test_deaths_count_in_a_row_and_a_life_of_a_minute_ends_the_row() -> None:
    long = {"exitCode": 1, "startedAt": ago(600), "finishedAt": ago(3)}
    assert deaths({"state": {"terminated": CRASHED}, "restartCount": 0}) == 1
    assert deaths({"state": BACK_OFF, "lastState": {"terminated": CRASHED}, "restartCount": 2}) == 3
    assert deaths({"state": BACK_OFF, "lastState": {"terminated": long}, "restartCount": 7}) == 1
    assert deaths({"state": {"running": {"startedAt": ago(5)}}, "restartCount": 2}) == 2
    assert deaths({"state": {"running": {"startedAt": ago(120)}}, "restartCount": 9}) == 0


def test_a_crashed_container_is_not_asked_for_again_before_the_kubelet_starts_it() -> None:
    found = instance(pod(BACK_OFF, last={"terminated": CRASHED}, restarts=1))
    assert found.retry_at == datetime.fromisoformat(CRASHED["finishedAt"]) + timedelta(seconds=20)


def test_pods_that_the_cluster_refuses_to_make_are_told_with_its_reason() -> None:
    said = 'pods "web-1-b" is forbidden: exceeded quota: small, limited: pods=4'
    conditions = [{"type": "ReplicaFailure", "status": "True", "message": said}]
    deployment = {"metadata": {"name": "web-1", "labels": LABELS}, "wanted": 3, "status": {"conditions": conditions}}
    found = list(missing(deployment, 2))
    assert [(one.id, one.state) for one in found] == [("web-1-missing-3", "starting")]
    assert said in found[0].detail
    assert "raise the quota" in found[0].detail
