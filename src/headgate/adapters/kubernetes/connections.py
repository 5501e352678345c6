"""Connections to an API server: as many as there are watches, and each noticed when its other end is gone."""

import socket

import aiohttp

UNBOUNDED = 0  # an environment has nine watches and its router four more, each a connection: a hundred are soon used up
# Seconds. Whoever vanishes (a node, a balancer, a firewall that forgets) ends nothing: after 30 s the kernel does.
ALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


def keep_alive(answer: aiohttp.ClientResponse) -> None:
    """Of an answer that goes on for ever."""
    transport = answer.connection.transport if answer.connection is not None else None
    found = transport.get_extra_info("socket") if transport is not None else None
    if found is None:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in ALIVE.items():
        if hasattr(socket, name):  # not on every system
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
