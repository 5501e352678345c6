"""Platforms and routers that do not meet: refused when applied. Which do, platforms declare."""

from collections.abc import Collection, Iterator, Mapping

from headgate.spec.problems import Problem
from headgate.spec.specification import Specification


def unrouted(spec: Specification, present: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """`routers of NAME`: the only routers that reach what platform NAME runs."""
    for name, environment in spec.environments.items():
        platform = environment.platform.name
        able = present.get(f"routers of {platform}")
        if able is None or environment.traffic.router in able:
            continue
        there = sorted(set(able) & set(present.get("traffic", ())))
        allowed = f"a router that reaches platform {platform}: {', '.join(there) or 'none is installed'}"
        remedy = f"Write `traffic: {there[0]}`." if there else f"Install one of {', '.join(sorted(able))}."
        yield spec.problem(("environments", name, "traffic"), allowed, remedy, environment.traffic.router)
