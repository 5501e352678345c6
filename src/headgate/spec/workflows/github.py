"""GitHub Actions: .github/workflows/headgate.yml."""

from headgate.spec.specification import Specification
from headgate.spec.workflows.parts import PYTHON, branches, script, steps, written

PATH = ".github/workflows/headgate.yml"
HEAD = """\
Written by `headgate ci github` from headgate.yaml: tests, scans, builds and pushes a commit, and announces its release.
Needs the variable HEADGATE_URL and the secret HEADGATE_TOKEN (`headgate token create --for releases`)
in the repository's settings, and `source: {releases: on-announce}` in headgate.yaml."""
LOGIN = 'printf \'%s\' "$PASSWORD" | docker login ghcr.io --username "$GITHUB_ACTOR" --password-stdin'


def github(spec: Specification, file: str) -> str:
    proofs = [{"name": step.name, "run": step.run} for step in steps(spec)]
    checkout = {"uses": "actions/checkout@v4", "with": {"persist-credentials": False}}
    python = {"uses": "actions/setup-python@v5", "with": {"python-version": PYTHON}}
    login = {"name": "log in", "env": {"PASSWORD": "${{ secrets.GITHUB_TOKEN }}"}, "run": LOGIN}
    push = {
        "name": "push and announce",
        "env": {
            "COMMIT": "${{ github.sha }}",
            "REF": "${{ github.ref }}",
            "HEADGATE_URL": "${{ vars.HEADGATE_URL }}",
            "HEADGATE_TOKEN": "${{ secrets.HEADGATE_TOKEN }}",
        },
        "run": 'REGISTRY="ghcr.io/${GITHUB_REPOSITORY,,}"\n' + script(spec, file),
        "shell": "bash",
    }
    job = {"runs-on": "ubuntu-latest", "timeout-minutes": 60, "steps": [checkout, python, *proofs, login, push]}
    pushed = {"branches": [_pattern(branch) for branch in branches(spec)]}
    tags = list(spec.content.source.tags)
    content = {
        "name": "headgate",
        "on": {"push": {**pushed, "tags": [_pattern(tag) for tag in tags]} if tags else pushed},
        "permissions": {"contents": "read", "packages": "write"},
        "concurrency": {"group": "headgate-${{ github.ref }}", "cancel-in-progress": True},
        "jobs": {"release": job},
    }
    return written(content, HEAD)


def _pattern(pattern: str) -> str:
    """GitHub's * stops at a slash and its ? is of another kind; ** is any text, which a wider rule may be."""
    return pattern.replace("?", "*").replace("*", "**")
