"""What every workflow consists of: steps that prove a commit, and the script that pushes and announces it."""

import re
import shlex
from dataclasses import dataclass
from posixpath import dirname, join, normpath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO
from ruamel.yaml.scalarstring import LiteralScalarString

from headgate.model.services import PLAIN
from headgate.spec.sections.service import ServiceSection
from headgate.spec.specification import Specification

PYTHON = "3.12"
PREPARE = "if [ -f requirements.txt ]; then pip install --quiet --requirement requirements.txt; fi"
TEST = f"{PREPARE}\npip install --quiet pytest\npytest -q"
SCAN = (
    "pip install --quiet bandit detect-secrets\nbandit --quiet --recursive --severity-level high .\n"
    "git ls-files -z | xargs -0 detect-secrets-hook --"
)

# COMMIT, REF, REGISTRY, HEADGATE_URL and HEADGATE_TOKEN are variables: no name of a branch ever becomes a command.
PUSH = """\
set -eu
images=""
push() {
  service=$1
  shift
  docker build --tag "$REGISTRY/$service:$COMMIT" --label "org.opencontainers.image.revision=$COMMIT" "$@"
  docker push "$REGISTRY/$service:$COMMIT"
  pushed=$(docker inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$REGISTRY/$service:$COMMIT" \\
    | grep -F "$REGISTRY/$service@" | head -n 1)
  images="$images${images:+, }\\"$service\\": \\"$pushed\\""
}
"""
ANNOUNCE = """\
ref=$(printf '%s' "$REF" | sed 's/[\\\\"]/\\\\&/g')
printf '{"application": "%s", "commit": "%s", "ref": "%s", "images": {%s}}' \\
  APPLICATION "$COMMIT" "$ref" "$images" > headgate-release.json
printf 'Authorization: Bearer %s\\n' "$HEADGATE_TOKEN" | curl --fail-with-body --silent --show-error --retry 3 \\
  --header @- --header 'Content-Type: application/json' --data @headgate-release.json "$HEADGATE_URL/api/releases"
"""


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    run: str


def steps(spec: Specification) -> list[Step]:
    """Those of the file, and the two that no release should be without."""
    written = [Step(step.name, step.run) for step in spec.content.pipeline.ci if step.run]
    tests = written or [Step("test", TEST)]
    return tests if any("scan" in step.name for step in tests) else [*tests, Step("scan", SCAN)]


def script(spec: Specification, file: str) -> str:
    """Builds and pushes every service that is built, and announces the release; for a POSIX shell."""
    built = [(name, service) for name, service in spec.services.items() if service.image is None]
    pushes = "".join(f"push {name} {shlex.join(_arguments(service, file))}\n" for name, service in built)
    return PUSH + pushes + ANNOUNCE.replace("APPLICATION", spec.application, 1)


def _arguments(service: ServiceSection, file: str) -> list[str]:
    """Of `docker build`. Folders begin with ./, so that none is taken for an option."""
    folder = normpath(join(dirname(file), service.folder))
    how = service.build.dockerfile if service.build else PLAIN
    written = ["--file", f"./{join(folder, how.path)}"] if how.path != PLAIN.path else []
    written += ["--target", how.target] if how.target else []
    args = [word for name, value in how.args.items() for word in ("--build-arg", f"{name}={value}")]
    return [*written, *args, "--", f"./{folder}"]


def branches(spec: Specification) -> list[str]:
    """Patterns of branches that some environment takes by itself."""
    if spec.content.source.branches:
        return list(spec.content.source.branches)
    taken = (
        branch
        for environment in spec.environments.values()
        if environment.deploy == "on-build" or (environment.deploy is None and not environment.after)
        for branch in environment.branches
        if not environment.integrate
    )
    return list(dict.fromkeys(taken)) or ["main"]


def regular(pattern: str) -> str:
    """A pattern as a regular expression: * is any text, ? one character."""
    return "".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in pattern)


def written(content: dict[str, Any], head: str) -> str:
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(_literal(content), stream)
    return "".join(f"# {line}\n" for line in head.splitlines()) + stream.getvalue()


def _literal(value: Any) -> Any:
    """Texts of several lines are written as they are read."""
    match value:
        case dict():
            return {key: _literal(one) for key, one in value.items()}
        case list():
            return [_literal(one) for one in value]
        case str() if "\n" in value:
            return LiteralScalarString(value)
        case _:
            return value
