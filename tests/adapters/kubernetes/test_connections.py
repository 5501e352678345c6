"""Connections: a large application has hundreds of watches, and each finds out that its other end is gone."""

import asyncio
import socket
from contextlib import AsyncExitStack

from tests.adapters.kubernetes.api import Api

from headgate.adapters.kubernetes.cluster import Cluster
from headgate.adapters.kubernetes.connections import ALIVE
from headgate.adapters.kubernetes.kinds import POD

WATCH = {"watch": "true", "resourceVersion": "1"}


async def test_a_hundred_watches_leave_room_for_a_request(api: Api, cluster: Cluster) -> None:
    async with AsyncExitStack() as open_:
        for _ in range(101):
            await open_.enter_async_context(cluster.open("GET", POD.path("a"), "watch", WATCH, endless=True))
        async with asyncio.timeout(3):
            assert await cluster.get(POD, "a", "b") is None


async def test_the_kernel_asks_whether_the_other_end_of_a_watch_is_there(api: Api, cluster: Cluster) -> None:
    async with cluster.open("GET", POD.path("a"), "watch", WATCH, endless=True) as answer:
        assert answer.connection is not None
        assert answer.connection.transport is not None
        asked = answer.connection.transport.get_extra_info("socket")
        assert asked.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert {name: asked.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in ALIVE} == ALIVE
