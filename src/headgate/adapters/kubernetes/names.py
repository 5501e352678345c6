"""How all that Headgate makes in a cluster is named and labelled: nothing is remembered, everything is found again."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from headgate.model.ids import EnvironmentId, RevisionId

FIELD_MANAGER = "headgate"
MANAGED_BY = "app.kubernetes.io/managed-by"
NAME = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
INSTANCE = "app.kubernetes.io/instance"  # the revision, for tools that know it by this name
APPLICATION = "headgate.dev/application"
ENVIRONMENT = "headgate.dev/environment"  # its name alone: pcw/production is application pcw, environment production
SERVICE = "headgate.dev/service"
REVISION = "headgate.dev/revision"
ROLE = "headgate.dev/role"  # stable, candidate, baseline, preview: of Services and routes
BACKENDS = "headgate.dev/backends"  # all revisions of a route, in order: those without a share may be nowhere else
FOLLOWS = "headgate.dev/follows"  # stable: a team's own Service, whose selector is the router's to set
BESIDE = "headgate.dev/beside"  # what a team has beside its services: the revision whose manifests it is from
JOB = "headgate.dev/job"
SNAPSHOT = "headgate.dev/snapshot"  # of ConfigMaps and Secrets: digest of what they hold

LONGEST = 63  # characters of a DNS label, and of a label's value
CUT = 8  # hexadecimal digits that tell two cut names apart


def split(environment: EnvironmentId) -> tuple[str, str]:
    """Application and name."""
    application, _, name = environment.partition("/")
    return application, name


def namespace_of(environment: EnvironmentId) -> str:
    """Where the file names none: `pcw-production`."""
    return label("-".join(split(environment)))


def label(text: str, longest: int = LONGEST) -> str:
    """Fit for a name: lower case, digits, dashes. What had to be changed or cut ends in a digest of the whole."""
    fit = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
    if fit == text and len(fit) <= longest:
        return fit
    digest = hashlib.sha256(text.encode()).hexdigest()[:CUT]
    return f"{fit[: longest - CUT - 1].rstrip('-')}-{digest}"


def short(revision: RevisionId) -> str:
    """As part of a name: rev_0123456789ab is 0123456789ab."""
    return revision.removeprefix("rev_")


def workload_name(service: str, revision: RevisionId) -> str:
    """Of the Deployment, its autoscaler and disruption budget, and the Service that leads to this revision alone."""
    return label(f"{service}-{short(revision)}")


def stable_name(service: str) -> str:
    """Of the Service that leads to the stable."""
    return label(service)


def candidate_name(service: str) -> str:
    return label(f"{service}-candidate")


def baseline_name(service: str) -> str:
    return label(f"{service}-baseline")


def preview_name(service: str) -> str:
    """Of the Service behind the preview: what a rollout has started and no user sees yet."""
    return label(f"{service}-preview")


def environment_labels(environment: EnvironmentId) -> dict[str, str]:
    application, name = split(environment)
    return {
        MANAGED_BY: FIELD_MANAGER,
        PART_OF: label(application),
        APPLICATION: label(application),
        ENVIRONMENT: label(name),
    }


def labels(environment: EnvironmentId, service: str, revision: RevisionId) -> dict[str, str]:
    """Of everything that is one service of one revision: Deployment, pods, Service, disruption budget."""
    named = {NAME: label(service), SERVICE: label(service), INSTANCE: label(revision), REVISION: revision}
    return {**environment_labels(environment), **named}


def pods_of(environment: EnvironmentId, service: str, revision: RevisionId) -> dict[str, str]:
    """What selects the pods of one service of one revision, and no others."""
    whole = labels(environment, service, revision)
    return {key: whole[key] for key in (APPLICATION, ENVIRONMENT, SERVICE, REVISION)}


def selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def is_ours(object: Mapping[str, Any], environment: EnvironmentId) -> bool:
    """Made by Headgate for this environment: nothing else is ever changed or deleted."""
    found = (object.get("metadata") or {}).get("labels") or {}
    return all(found.get(key) == value for key, value in environment_labels(environment).items())


def is_managed(object: Mapping[str, Any]) -> bool:
    """Made by Headgate, for whatever environment."""
    return ((object.get("metadata") or {}).get("labels") or {}).get(MANAGED_BY) == FIELD_MANAGER
