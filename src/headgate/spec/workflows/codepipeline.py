"""AWS CodePipeline: buildspec.yml of the CodeBuild project that is the pipeline's build stage."""

from headgate.spec.specification import Specification
from headgate.spec.workflows.parts import PYTHON, script, steps, written

PATH = "buildspec.yml"
HEAD = """\
Written by `headgate ci codepipeline` from headgate.yaml: tests, scans, builds and pushes a commit, and announces its
release. For a CodeBuild project with privileged mode (Docker) as a stage of CodePipeline, with the variables
HEADGATE_URL and REGISTRY (such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop), the secret `headgate` with the
key `token` in Secrets Manager (`headgate token create --for releases`), one ECR repository for each service, and
`source: {releases: on-announce}` in headgate.yaml."""
LOGIN = 'aws ecr get-login-password | docker login --username AWS --password-stdin "${REGISTRY%%/*}"'
NAMES = 'COMMIT="$CODEBUILD_RESOLVED_SOURCE_VERSION" REF="${CODEBUILD_WEBHOOK_HEAD_REF:-}"\n'


def codepipeline(spec: Specification, file: str) -> str:
    content = {
        "version": 0.2,
        "env": {"shell": "bash", "secrets-manager": {"HEADGATE_TOKEN": "headgate:token"}},
        "phases": {
            "install": {"runtime-versions": {"python": PYTHON}},
            "pre_build": {"on-failure": "ABORT", "commands": [step.run for step in steps(spec)]},
            "build": {"on-failure": "ABORT", "commands": [LOGIN, NAMES + script(spec, file)]},
        },
    }
    return written(content, HEAD)
