"""The headgate.yaml of a trial: the example's services, one production environment, and waits that are compressed.

What may put a release back is as strict as by default (0.05 points, 4 %). What promotion must rule out is wider, and a
good release goes on unproven after some seconds: two cores cannot send the traffic that a proof in that time needs.
"""

import re
from dataclasses import replace
from datetime import timedelta

from headgate.analysis.policy import Policy, policy
from headgate.model.rules import AnalysisRules, Tolerance

ENVIRONMENT = "production"
WEIGHTS = (10, 25, 50)
BAKE = 2  # seconds
COMPRESSED = AnalysisRules(
    errors=Tolerance(0.0005, 0.03),
    latency=Tolerance(0.04, 0.60),
    p99=Tolerance(0.04, 1.50),
    blip=timedelta(seconds=2),
    at_least=timedelta(seconds=3),
    deadline=timedelta(seconds=8),
    unproven="promote",
)
# Moved by proofs alone. A defect of one point may not be promoted because three are allowed.
PROVEN = replace(COMPRESSED, deadline=timedelta(minutes=5), unproven="hold")
DEMANDING = replace(PROVEN, errors=Tolerance(0.0005, 0.005), latency=Tolerance(0.04, 0.40), p99=Tolerance(0.04, 0.40))


def _environments(rules: AnalysisRules) -> str:
    return f"""
source: {{releases: on-announce}}  # the harness says when
environments:
  {ENVIRONMENT}:
    platform: process
    branches: [main]
    deploy: on-build
    strategy: {{canary: {{steps: {list(WEIGHTS)}, sticky: cookie}}}}
    analysis:
      errors: {{worse_by: {rules.errors.accept * 100:g}pp, tolerated: {rules.errors.harm * 100:g}pp}}
      latency:
        worse_by: {rules.latency.accept * 100:g}%
        p99_worse_by: {rules.p99.accept * 100:g}%
        tolerated: {rules.latency.harm * 100:g}%
      at_least: {rules.at_least.total_seconds():g}s
      blip: {rules.blip.total_seconds():g}s
      unproven: {rules.unproven}
      deadline: {rules.deadline.total_seconds():g}s
    bake: {BAKE}s
    keep_warm: 0s
    deadlines: {{drain: 3s}}
"""


def trial_file(example: str, application: str, rules: AnalysisRules) -> str:
    """The services alone: a trial is about judging, and its commits have no tests to wait for."""
    services = re.split(r"\n(?:pipeline|registry|environments):", example, maxsplit=1)[0]
    services = services.replace("application: pcw\n", f"application: {application}\n")
    return f"{services}{_environments(rules)}"


def judged_by(rules: AnalysisRules) -> Policy:
    """What the server makes of the file."""
    return policy(rules, WEIGHTS)
