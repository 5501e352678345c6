"""What makes a cluster of an API server: Deployments get pods, and a kubelet that runs them as small web servers here.

They speak to the API as their namesakes do, so that they serve a real API server without controllers as well.
"""

import asyncio
import os
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from aiohttp import web

from headgate.adapters.kubernetes.cluster import MERGE, Cluster, Object
from headgate.adapters.kubernetes.errors import Conflicted, NotFound
from headgate.adapters.kubernetes.kinds import AUTOSCALER, DEPLOYMENT, JOB, POD, REPLICA_SET, Kind
from headgate.adapters.kubernetes.watching import Mirror, Selection
from headgate.ports import AdapterError

BACK_OFF = 0.4  # seconds; a kubelet's is ten
NUMBERS = count()  # an address for each pod of this process: what an earlier test leaves behind is in nobody's way
NETWORK = 64 + os.getpid() % 128  # nor another process that tests
STOPPING = 0.8  # seconds, of what is slow to stop


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class Pod:
    object: Object
    address: str
    runner: web.AppRunner | None = None
    restarts: int = 0
    killed: asyncio.Event = field(default_factory=asyncio.Event)
    ending: bool = False

    @property
    def behaviour(self) -> str:
        return str((self.object["spec"]["containers"][0].get("command") or ["", "well"])[-1])


class Controllers:
    def __init__(self, cluster: Cluster, namespace: str | None = None) -> None:
        """Of one namespace, or of all."""
        self._cluster, self._namespace = cluster, namespace
        self._moved = asyncio.Event()
        self._mirrors = {kind: self._mirror(kind) for kind in (DEPLOYMENT, REPLICA_SET, POD, JOB, AUTOSCALER)}
        self.pods: dict[str, Pod] = {}  # by uid
        self._jobs: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def _mirror(self, kind: Kind) -> Mirror:
        what = Selection(kind, self._namespace)
        return Mirror(self._cluster, what, lambda change, object: self._moved.set(), lambda object: object)

    def start(self) -> None:
        self._do(self._loop())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(one.close() for one in self._mirrors.values()))
        await asyncio.gather(*(one.runner.cleanup() for one in self.pods.values() if one.runner))

    async def kill(self, name: str) -> None:
        next(one for one in self.pods.values() if one.object["metadata"]["name"] == name).killed.set()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _loop(self) -> None:
        while True:
            with suppress(AdapterError):
                await self._turn()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._moved.wait()
            self._moved.clear()

    async def _turn(self) -> None:
        every = [list((await one.current()).values()) for one in self._mirrors.values()]
        deployments, sets, pods, jobs, scalers = every
        for one in scalers:
            await self._scale(one, deployments)
        for one in deployments:
            await self._deploy(one, sets)
        there = {one["metadata"]["uid"] for one in deployments}
        for one in sets:
            if _owner(one) in there:
                await self._fill(one, pods)
            else:
                await self._delete(REPLICA_SET, one)
        left = {one["metadata"]["uid"] for one in sets if _owner(one) in there}
        for one in pods:
            if _owner(one) not in left and "deletionTimestamp" not in one["metadata"]:
                await self._delete(POD, one)
            self._see(one)
        for one in jobs:
            if one["metadata"]["uid"] not in self._jobs:
                self._jobs.add(one["metadata"]["uid"])
                self._do(self._work(one))

    # --- Deployments and ReplicaSets

    async def _deploy(self, object: Object, sets: list[Object]) -> None:
        metadata, spec = object["metadata"], object["spec"]
        own = [one for one in sets if _owner(one) == metadata["uid"]]
        wanted = spec.get("replicas", 1)
        if not own:
            name = f"{metadata['name']}-{metadata['uid'][:5]}"
            made = {"replicas": wanted, "selector": spec["selector"], "template": spec["template"]}
            await self._make("apps/v1", "ReplicaSet", name, object, made, metadata.get("labels", {}))
        elif own[0]["spec"].get("replicas") != wanted:
            patch = {"spec": {"replicas": wanted}}
            await self._cluster.patch(REPLICA_SET, metadata["namespace"], own[0]["metadata"]["name"], patch)

    async def _scale(self, scaler: Object, deployments: list[Object]) -> None:
        """Up to its least, as without any metric; more is the tests' to ask for."""
        spec, namespace = scaler["spec"], scaler["metadata"]["namespace"]
        name, least = spec["scaleTargetRef"]["name"], spec["minReplicas"]
        for one in deployments:
            metadata = one["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name) and _count(one) < least:
                with suppress(Conflicted):  # another was first
                    await scale(self._cluster, namespace, name, least, metadata["resourceVersion"])

    async def _fill(self, object: Object, pods: list[Object]) -> None:
        metadata, spec = object["metadata"], object["spec"]
        own = [one for one in pods if _owner(one) == metadata["uid"] and "deletionTimestamp" not in one["metadata"]]
        taken = {one["metadata"]["name"] for one in pods}
        free = [name for name in (f"{metadata['name']}-{number}" for number in range(50)) if name not in taken]
        for name in free[: max(spec["replicas"] - len(own), 0)]:
            template = spec["template"]
            made = {**template["spec"], "nodeName": "test"}
            await self._make("v1", "Pod", name, object, made, template["metadata"]["labels"])
        for one in own[spec["replicas"] :]:
            await self._delete(POD, one)

    async def _make(self, api: str, kind: str, name: str, owner: Object, spec: Object, labels: Object) -> None:
        above = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"]}
        reference = {**above, "uid": owner["metadata"]["uid"], "controller": True}
        metadata = {"name": name, "namespace": owner["metadata"]["namespace"], "labels": labels}
        metadata["ownerReferences"] = [reference]
        with suppress(Conflicted):
            await self._cluster.create({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec})

    async def _delete(self, kind: Kind, object: Object) -> None:
        metadata = object["metadata"]
        with suppress(Conflicted):
            await self._cluster.delete(kind, metadata["namespace"], metadata["name"], metadata["uid"])

    # --- the kubelet

    def _see(self, object: Object) -> None:
        uid = object["metadata"]["uid"]
        if uid not in self.pods:
            number = next(NUMBERS)
            self.pods[uid] = Pod(object, f"127.{NETWORK}.{number // 250}.{number % 250 + 1}")
            self._do(self._live(self.pods[uid]))
        pod, ending = self.pods[uid], "deletionTimestamp" in object["metadata"]
        if ending and not pod.ending:
            pod.ending = True
            self._do(self._end(pod))

    async def _live(self, pod: Pod) -> None:
        last: Object = {}
        while True:
            began, port = now(), pod.object["spec"]["containers"][0]["ports"][0]["containerPort"]
            await self._tell(pod, {"running": {"startedAt": began}}, last, False)
            if pod.behaviour == "crash":
                await asyncio.sleep(0.1)
            else:
                if pod.behaviour != "unready" and pod.runner is None:
                    pod.runner = await _serve(pod.address, port)
                await asyncio.sleep(0.1)
                await self._tell(pod, {"running": {"startedAt": began}}, last, pod.behaviour != "unready")
                await pod.killed.wait()
                pod.killed.clear()
            over = {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": began, "finishedAt": now()}}
            await self._tell(pod, over, last, False)
            await asyncio.sleep(BACK_OFF * 2**pod.restarts / 2)
            waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting"}}
            await self._tell(pod, waiting, over, False)
            await asyncio.sleep(BACK_OFF * 2**pod.restarts / 2)
            last = over
            pod.restarts += 1

    async def _tell(self, pod: Pod, state: Object, last: Object, ready: bool) -> None:
        metadata = pod.object["metadata"]
        container = {
            "name": pod.object["spec"]["containers"][0]["name"], "image": "", "imageID": "", "ready": ready,
            "state": state, "lastState": last, "restartCount": pod.restarts,
        }
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": now()[:19] + "Z"}
        status = {
            "phase": "Running", "podIP": pod.address, "startTime": now()[:19] + "Z",
            "conditions": [condition], "containerStatuses": [container],
        }
        with suppress(NotFound):
            await self._cluster.patch(POD, metadata["namespace"], metadata["name"], {"status": status}, part="status")

    async def _end(self, pod: Pod) -> None:
        await asyncio.sleep(STOPPING if pod.behaviour == "slow to stop" else 0.05)
        if pod.runner:
            await pod.runner.cleanup()
        metadata = pod.object["metadata"]
        path = POD.path(metadata["namespace"], metadata["name"])
        with suppress(NotFound):
            await self._cluster.json("DELETE", path, "end a pod", body={"gracePeriodSeconds": 0})

    # --- Jobs

    async def _work(self, job: Object) -> None:
        metadata, spec = job["metadata"], job["spec"]
        behaviour = spec["template"]["spec"]["containers"][0]["command"][-1]
        takes = {"takes long": 1.2, "never ends": 3600.0}.get(behaviour, 0.05)
        limit = spec["activeDeadlineSeconds"]
        await asyncio.sleep(min(takes, limit))
        failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "it failed"}
        if takes > limit:
            late = "Job was active longer than specified deadline"
            failed = {**failed, "reason": "DeadlineExceeded", "message": late}
        done = {"type": "Complete", "status": "True"}
        condition = failed if behaviour == "fails" or takes > limit else done
        body = {"status": {"conditions": [condition]}}
        with suppress(NotFound):
            await self._cluster.patch(JOB, metadata["namespace"], metadata["name"], body, part="status")


async def scale(cluster: Cluster, namespace: str, deployment: str, replicas: int, version: str = "") -> None:
    """As an autoscaler does."""
    body: Object = {"spec": {"replicas": replicas}, **({"metadata": {"resourceVersion": version}} if version else {})}
    path, query = DEPLOYMENT.path(namespace, deployment, "scale"), {"fieldManager": "kube-controller-manager"}
    await cluster.json("PATCH", path, "scale", query, body, MERGE)


def _count(deployment: Object) -> int:
    return int(deployment["spec"].get("replicas", 1))


async def _serve(host: str, port: int) -> web.AppRunner:
    async def well(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", well)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


def _owner(object: Object) -> str:
    return next((one["uid"] for one in object["metadata"].get("ownerReferences", []) if one.get("controller")), "")
