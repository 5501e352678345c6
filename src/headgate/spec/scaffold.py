"""A first headgate.yaml for an application, from what its folder says: the pure part of `headgate init`."""

import json
import re

from headgate.spec.facts import Facts, Program
from headgate.spec.problems import shown

PUBLIC_PORT = 8080
NOTHING_FOUND = Program("web", ".", ("python", "-m", "http.server", "--bind", "$HOST", "$PORT"), 8000, "/", "")

HEAD = """\
# What Headgate runs and how it gets to users. `headgate spec` prints every field with its meaning.
# Apply it with `headgate apply`; release the current commit with `headgate release`.
application: {application}

services:
"""

SERVICE = """\
  {name}:  # {origin}
    build: {folder}
    command: [{command}]
    port: {port}  # inside a container; here each instance has a free one, $PORT
    health: {{path: {health}}}
    replicas: 2
"""

CI = """
# What a commit must pass before it becomes a release. Take the # away from what is installed here; see docs/ci.md.
# pipeline:
#   ci:
#     - {name: test, run: "pytest -q --junit-xml=reports/tests.xml", junit: reports/tests.xml}
#     - {name: scan, run: "bandit -q -r . --severity-level medium", needs: []}
#     - {name: secrets, run: "find . -type f -print0 | xargs -0 detect-secrets-hook --no-verify", needs: []}
"""

ENVIRONMENTS = """
environments:
  staging:
    platform: process            # as processes on this machine
    deploy: on-build             # every release of main
    strategy: blue-green
    checks: [{{smoke: true}}]
  production:
    platform: process
    after: staging               # only what passed staging
    deploy: on-request           # `headgate deploy production`; without this line it follows staging by itself
    strategy: canary             # 5 %, 25 %, 50 % of traffic, each watched, then all of it
    checks: [{{smoke: true}}]
    bake: 5m                     # goes back by itself when it turns out worse in this time
    listen: {{{service}: {port}}}
"""


def scaffold(facts: Facts) -> str:
    """Reads back without a problem, whatever the facts."""
    programs = facts.programs or (NOTHING_FOUND,)
    services = "".join(_service(program) for program in programs)
    public = next((one.name for one in programs if one.name in ("web", "frontend", "gateway")), programs[0].name)
    environments = ENVIRONMENTS.format(service=public, port=PUBLIC_PORT)
    return HEAD.format(application=facts.application) + services + CI + environments


def _service(program: Program) -> str:
    return SERVICE.format(
        name=program.name,
        origin=f"from {shown(program.origin)}" if program.origin else "nothing was recognised: write here what to run",
        folder=_yaml(program.folder),
        command=", ".join(_yaml(word) for word in program.command),
        port=program.port,
        health=_yaml(program.health),
    )


def _yaml(text: str) -> str:
    """Bare where YAML takes it for the text that it is, else in double quotes, whose escapes are JSON's."""
    plain = re.fullmatch(r"[A-Za-z_./-][A-Za-z0-9_./-]*", text)
    if plain and text.lower() not in ("-", "--", "---", "null"):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
