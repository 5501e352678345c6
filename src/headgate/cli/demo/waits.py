"""The demo's headgate.yaml: the example's own, less what the demo does not need, with shorter waits.

Changed as text, line by line, so that everything else stays as its author wrote it.
"""

import re

from headgate.cli.failure import Failure

NOTE = "# The demo's copy: only staging and production, shorter waits, quick tests, wider margins of latency."
FOLLOWED = "source: {releases: on-announce}  # a revert between two versions is no act of its own"
KEPT = ("staging", "production")
KEPT_STEPS = ("unit",)  # of CI: what takes a second or two
STEPS = "[10, 25, 50]"  # a proof needs a number of requests: with 10 instead of 5 % it has them in half the time
AT_LEAST = "6s"
INTERVAL = "1s"
BLIP = "2s"
BAKE = "5s"
# v2 does more, and takes some 15 % longer: half a millisecond, which users do not notice but the default would.
LATENCY = "latency: {worse_by: 90%, p99_worse_by: 120%, tolerated: 45%}"
TOLD = f"canary steps {STEPS[1:-1]} %, each watched for {AT_LEAST} at least, and a bake of {BAKE}"

Lines = list[str]


def shortened(text: str) -> str:
    lines = text.splitlines()
    lines = _only_steps(lines)
    for name in _names(lines, "environments"):
        if name not in KEPT:
            lines = _without(lines, "environments", name)
    lines = _without(lines, "environments", "production", "analysis", "latency")
    waits = [f"interval: {INTERVAL}", f"at_least: {AT_LEAST}", f"blip: {BLIP}", LATENCY]
    lines = _added(lines, waits, "environments", "production", "analysis")
    lines = _without(lines, "environments", "production", "bake")
    lines = _without(lines, "environments", "production", "strategy")
    lines = _without(lines, "environments", "production", "gates")
    added = [f"strategy: {{canary: {{steps: {STEPS}, sticky: cookie}}}}", f"bake: {BAKE}"]
    lines = _added(lines, added, "environments", "production")
    return "\n".join([NOTE, *lines, FOLLOWED, ""])


def contained(text: str, registry: str, prefix: str, base: str) -> str:
    """The same in containers: images stand on that base, and lie in the registry at that address."""
    lines = text.splitlines()
    for name in _names(lines, "environments"):
        lines = _without(lines, "environments", name, "platform")
        lines = _added(lines, ["platform: docker"], "environments", name)
    for name in _names(lines, "services"):
        start, _ = _block(lines, "services", name, "build")
        context = lines[start].partition(":")[2].strip()
        lines[start] = f"{'  ' * 2}build: {{context: {context}, args: {{BASE: \"{base}\"}}}}"
    return "\n".join([*lines, f'registry: {{docker: {{url: "{registry}", prefix: {prefix}}}}}', ""])


def _block(lines: Lines, *path: str) -> tuple[int, int]:
    """First line of a mapping's entry, and the one behind its last."""
    start, end = -1, len(lines)
    for depth, name in enumerate(path):
        start = next((n for n in range(start + 1, end) if _is_key(lines[n], name, depth)), -1)
        if start < 0:
            remedy = "Renew headgate/cli/demo/waits.py: it changes the example's file line by line."
            raise Failure(f"the example's headgate.yaml has no {'.'.join(path)}", "examples/pcw/headgate.yaml", remedy)
        end = next((n for n in range(start + 1, end) if _ends(lines[n], depth)), end)
    return start, end


def _is_key(line: str, name: str, depth: int) -> bool:
    return line.startswith(f"{'  ' * depth}{name}:")


def _ends(line: str, depth: int) -> bool:
    return bool(line.strip()) and len(line) - len(line.lstrip()) <= 2 * depth


def _only_steps(lines: Lines) -> Lines:
    """Steps of CI are list items that begin with their name."""
    start, end = _block(lines, "pipeline", "ci")
    kept, left = [], True
    for line in lines[start + 1 : end]:
        if found := re.match(r" +- name: ([\w-]+)$", line):
            left = found[1] in KEPT_STEPS
        kept += [line] if left else []
    return [*lines[: start + 1], *kept, *lines[end:]]


def _names(lines: Lines, *path: str) -> list[str]:
    start, end = _block(lines, *path)
    found = (re.match(rf"{'  ' * len(path)}([\w-]+):", line) for line in lines[start + 1 : end])
    return [match[1] for match in found if match]


def _without(lines: Lines, *path: str) -> Lines:
    start, end = _block(lines, *path)
    return lines[:start] + lines[end:]


def _added(lines: Lines, entries: list[str], *path: str) -> Lines:
    start, _ = _block(lines, *path)
    return [*lines[: start + 1], *(f"{'  ' * len(path)}{entry}" for entry in entries), *lines[start + 1 :]]
