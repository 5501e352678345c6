"""100 weight switches per way while 1,500 requests/s flow, all ways in turn within one run.

Told: time from the command to the last answer that the old version gave, failed requests, and the ratio to raw Envoy.
"""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from benchmarks.flow import RATE, Flow, flowing, last_answers
from benchmarks.machine import Neighbours, program
from benchmarks.processes import answering, backends
from benchmarks.report import Missed, facts, quantile, show, spread, write
from benchmarks.switch import raw
from benchmarks.switch.raw import OTHER
from benchmarks.switch.router import set_routes
from benchmarks.switch.server import through_api, through_cli
from benchmarks.switch.subject import Make, Subject

ROUNDS, SWITCHES = 20, 5  # every way has its turn in every round, so that a noisy minute meets them all
PAUSE = (0.62, 0.78)  # seconds between commands, drawn evenly so that no timer of anyone's keeps step with them
LIMIT = 20_000  # requests in one turn, whatever happens
ENOUGH = 100_000  # requests of each way, in all
QUIET = 20.0  # percent of all cores that others may use meanwhile; a turn with more is repeated
PATIENCE = 2400.0  # seconds for the whole run; after it turns count as they are, and the figures say so
BAR_MS = 100.0  # p99 of `headgate rollback`, command to the last old answer


def run() -> None:
    asyncio.run(measure())


async def measure() -> None:
    machine = facts()
    with TemporaryDirectory(prefix="headgate-bench-") as folder:
        async with AsyncExitStack() as stack:
            ports = stack.enter_context(backends(Path(folder)))
            for port in ports.values():
                await answering(port)
            subjects = [await _made(stack, make, Path(folder), ports) for make in _makes()]
            dice = random.Random(20261123)
            deadline = monotonic() + PATIENCE
            for _ in range(ROUNDS):
                for subject in subjects:
                    await _turn(subject, dice, deadline)
    _tell(subjects, machine)


def _makes() -> list[Make]:
    found: list[Make] = [raw.envoy]
    for name, make in (("nginx", raw.nginx), ("haproxy", raw.haproxy)):
        if program(name):
            found.append(make)
        else:
            print(f"{name} is not installed here: left out")
    return [*found, set_routes, through_api, through_cli]


async def _made(stack: AsyncExitStack, make: Make, folder: Path, ports: dict[str, int]) -> Subject:
    own = folder / make.__name__
    own.mkdir()
    return await stack.enter_async_context(make(own, ports))


async def _turn(subject: Subject, dice: random.Random, deadline: float) -> None:
    """Repeated while others keep the machine busy. Which turns count does not depend on what was measured in them."""
    while True:
        await _quiet(deadline)
        neighbours = Neighbours()
        flow, commands, answers = await _switches(subject, dice)
        theirs = neighbours.percent()
        subject.requests += flow.requests
        subject.failed += flow.failed  # those of repeated turns too
        if theirs <= QUIET or monotonic() > deadline:
            break
        subject.repeated += 1
    print(f"  {subject.name}: {flow.failed} failed, others used {theirs:.0f} % of the machine", flush=True)
    subject.neighbours.append(theirs)
    subject.commands += commands
    subject.last_old += [seconds for seconds, _ in answers]
    subject.late += sum(not switched for _, switched in answers)
    subject.latencies += flow.latencies


async def _quiet(deadline: float) -> None:
    while monotonic() < deadline:
        neighbours = Neighbours()
        await asyncio.sleep(1)
        if neighbours.percent() <= QUIET:
            return


async def _switches(subject: Subject, dice: random.Random) -> tuple[Flow, list[float], list[tuple[float, bool]]]:
    version = "a"
    await subject.switch(version)
    await answering(subject.port, version=version)
    switches: list[tuple[float, str]] = []
    commands = []
    async with flowing(subject.port, LIMIT) as flow:
        await asyncio.sleep(1)
        for _ in range(SWITCHES):
            version = OTHER[version]
            command = monotonic()
            switches.append((command, version))
            await subject.switch(version)
            commands.append(monotonic() - command)
            # The new version always has time to answer, however long the command took.
            await asyncio.sleep(max(PAUSE[0] / 2, command + dice.uniform(*PAUSE) - monotonic()))
        end = monotonic()
    return flow, commands, last_answers(flow, switches, end)


def _tell(subjects: list[Subject], machine: dict[str, object]) -> None:
    figures = {subject.name: _figures(subject, subjects[0]) for subject in subjects}
    write("switch", machine, {"requests_per_second": RATE, "ways": figures})
    columns = ("way", "last old answer, ms: median", "p99", "max", "× raw: median", "p99", "done, ms", "sent", "failed")
    show("Weight switches under load", columns, [_row(name, one) for name, one in figures.items()])
    missed = [line for subject in subjects for line in _missed(subject)]
    if missed:
        raise Missed("; ".join(missed))


def _row(name: str, one: dict[str, Any]) -> list[object]:
    last, ratio = one["last_old_answer_ms"], one["ratio_to_raw_envoy"]
    times = [f"{last[kind]:.1f}" for kind in ("median", "p99", "max")]
    ratios = [f"{ratio[kind]:.1f}" for kind in ("median", "p99")]
    return [name, *times, *ratios, f"{one['command_done_ms']['median']:.1f}", f"{one['requests']:,}", one["failed"]]


def _figures(subject: Subject, reference: Subject) -> dict[str, Any]:
    shares = (("median", 0.5), ("p99", 0.99))
    return {
        "switches": len(subject.last_old),
        "last_old_answer_ms": spread([one * 1000 for one in subject.last_old]),
        "ratio_to_raw_envoy": {
            name: round(quantile(subject.last_old, share) / quantile(reference.last_old, share), 2)
            for name, share in shares
        },
        "command_done_ms": spread([one * 1000 for one in subject.commands]),
        "not_switched_in_time": subject.late,
        "requests": subject.requests,
        "failed": subject.failed,
        "neighbours_percent": {"median": quantile(subject.neighbours, 0.5), "max": max(subject.neighbours)},
        "turns_repeated": subject.repeated,
        "latency_ms": spread([one * 1000 for one in subject.latencies]),
    }


def _missed(subject: Subject) -> list[str]:
    """What holds for Headgate; the others are measured, not judged."""
    if not subject.name.lower().startswith("headgate"):
        return []
    found = []
    if subject.failed:
        found.append(f"{subject.name}: {subject.failed} requests failed, the bar is 0")
    if subject.requests < ENOUGH:
        found.append(f"{subject.name}: only {subject.requests} requests were sent, {ENOUGH} are wanted")
    if subject.late:
        found.append(f"{subject.name}: {subject.late} switches had not taken hold {PAUSE[0]} s after the command")
    p99 = quantile(subject.last_old, 0.99) * 1000
    if p99 > BAR_MS:
        found.append(f"{subject.name}: p99 {p99:.0f} ms, the bar is {BAR_MS:.0f} ms")
    return found
