"""GitLab CI: .gitlab-ci.yml."""

from headgate.spec.specification import Specification
from headgate.spec.workflows.parts import PYTHON, branches, regular, script, steps, written

PATH = ".gitlab-ci.yml"
HEAD = """\
Written by `headgate ci gitlab` from headgate.yaml: tests, scans, builds and pushes a commit, and announces its release.
Needs the variables HEADGATE_URL and HEADGATE_TOKEN (masked; `headgate token create --for releases`)
in the project's settings, and `source: {releases: on-announce}` in headgate.yaml."""
DOCKER = "docker:27"
LOGIN = (
    'printf \'%s\' "$CI_REGISTRY_PASSWORD" | '
    'docker login "$CI_REGISTRY" --username "$CI_REGISTRY_USER" --password-stdin'
)
NAMES = """\
COMMIT="$CI_COMMIT_SHA" REGISTRY="$CI_REGISTRY_IMAGE"
if [ -n "${CI_COMMIT_TAG:-}" ]; then REF="refs/tags/$CI_COMMIT_TAG"; else REF="refs/heads/$CI_COMMIT_BRANCH"; fi
"""


def gitlab(spec: Specification, file: str) -> str:
    patterns = [("CI_COMMIT_BRANCH", branch) for branch in branches(spec)]
    patterns += [("CI_COMMIT_TAG", tag) for tag in spec.content.source.tags]
    rules = [
        {"if": f"${variable} =~ /^{regular(pattern).replace('/', chr(92) + '/')}$/"} for variable, pattern in patterns
    ]
    image = f"python:{PYTHON}"
    proofs = {
        f"headgate {step.name}": {"stage": "test", "image": image, "script": [step.run], "interruptible": True}
        for step in steps(spec)
    }
    release = {
        "stage": "release",
        "image": DOCKER,
        "services": [f"{DOCKER}-dind"],
        "timeout": "1h",
        "script": ["apk add --quiet curl", LOGIN, NAMES + script(spec, file)],
    }
    content = {
        "stages": ["test", "release"],
        "workflow": {"rules": rules},
        **proofs,
        "headgate release": release,
    }
    return written(content, HEAD)
