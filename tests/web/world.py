"""A real engine on fakes, behind the real API: what the tests of `web` and `cli` ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from headgate.adapters.signing import Ed25519Signer
from headgate.engine.engine import Engine
from headgate.engine.world import World
from headgate.testing.fakes.eventlog import MemoryEventLog
from headgate.testing.fakes.images import FakeImages
from headgate.testing.fakes.metrics import FakeMetrics
from headgate.testing.fakes.platform import FakePlatform
from headgate.testing.fakes.registry import FakeRegistry
from headgate.testing.fakes.router import FakeRouter
from headgate.testing.fakes.runner import FakeRunner
from headgate.testing.fakes.source import FakeSource
from headgate.web.api import create

TOKEN = "a-token-for-tests"
SECRET = "correct-horse-battery"
REPOSITORY = "/repositories/shop"
PRESENT = {
    "platforms": {"process"},
    "traffic": {"envoy"},
    "metrics": {"envoy"},
    "checks": {"smoke", "run"},
    "gates": {"approval", "soak", "sign_off", "freeze", "webhook", "parity"},
    "ci": {"run"},
}

FILE = """\
application: shop
services:
  web:
    build: .
    command: [serve]
    port: 8000
environments:
  staging: {platform: process, strategy: all-at-once}
  production:
    platform: process
    deploy: on-request
    after: staging
    strategy: {canary: {steps: [5, 50]}}
  guarded:
    platform: process
    strategy: all-at-once
    gates: [{approval: {from: [ann], count: 1}}]
"""


IMAGES_FILE = """\
application: shop
services:
  web: {build: web, port: 8000}
  quotes: {build: quotes, port: 8000}
registry: {docker: {url: "https://registry.example.org"}}
environments:
  staging: {platform: docker, deploy: on-request, strategy: all-at-once}
"""
IMAGES_PRESENT = {**PRESENT, "platforms": {"process", "docker"}, "images": {"docker"}, "registries": {"docker"}}


class Clock:
    ahead = timedelta()  # of the time that it is: a test's to set

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class TalkingPlatform(FakePlatform):
    """A platform that keeps what its instances print, hostile as it may be."""

    async def logs(self, environment: str, service: str | None, lines: int, follow: bool) -> AsyncIterator[str]:
        self._reach()
        for number in range(lines):
            yield f"{service or 'web'}.1 | \x1b[31mline\x1b[0m {number} [bold]\x1b]0;title\x07"

    async def job_log(self, environment: str, job: str) -> AsyncIterator[str]:
        self._reach()
        yield f"{job} says {SECRET}"

    async def job_file(self, environment: str, job: str, name: str) -> AsyncIterator[bytes]:
        self._reach()
        yield f"{name} of {job}, ".encode()
        yield b"\x89PNG"


@dataclass
class Shop:
    engine: Engine
    platform: TalkingPlatform
    router: FakeRouter
    metrics: FakeMetrics
    source: FakeSource
    clock: Clock
    runner: FakeRunner

    def commit(
        self, subject: str = "Change something", version: str | None = None, file: str = FILE, branch: str = "main"
    ) -> str:
        files = {"headgate.yaml": file}
        return self.source.commit(REPOSITORY, files, subject=subject, version=version, branch=branch).sha

    def api(self, folder: Path | None = None) -> FastAPI:
        return create(self.engine, TOKEN, PRESENT, folder=folder)


def shop(folder: Path) -> Shop:
    clock, numbers = Clock(), count(1)
    platform, router, metrics, source = TalkingPlatform(clock), FakeRouter(), FakeMetrics(), FakeSource()
    runner = FakeRunner()
    seams = ({"process": platform}, {"envoy": router}, {"envoy": metrics})
    world = World(*seams, source, folder / "releases", runners={"host": runner})
    engine = Engine(world, MemoryEventLog(clock), clock, lambda prefix: f"{prefix}_{next(numbers):012x}")
    return Shop(engine, platform, router, metrics, source, clock, runner)


def with_images(shop: Shop, folder: Path) -> FakeImages:
    """Before the engine starts: a platform of the shop's that runs images, and a registry for them."""
    images = FakeImages(FakeRegistry())
    shop.engine.world = replace(
        shop.engine.world,
        platforms={"docker": shop.platform, "process": shop.platform},
        registries={"docker": images.registry},
        images=images,
        signer=Ed25519Signer(folder / "signing" / "key.pem"),
        image_platforms=frozenset({"docker"}),
    )
    shop.engine.builds.world = shop.engine.world
    return images


@asynccontextmanager
async def client(api: FastAPI, token: str = TOKEN, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    given = {"Authorization": f"Bearer {token}", **headers} if token else headers
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7411", headers=given) as asking:
        yield asking


def applying(text: str = FILE, **more: Any) -> dict[str, Any]:
    return {"text": text, "filename": "headgate.yaml", "source": REPOSITORY, "by": "ann@test", **more}
