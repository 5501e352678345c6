"""A step: one instruction of a rollout. A strategy is data that compiles to steps; one interpreter walks them."""

from dataclasses import dataclass
from datetime import timedelta

from headgate.model.checks import Check
from headgate.model.infrastructure import InfrastructurePlan


@dataclass(frozen=True, slots=True)
class Migrate:
    """Before the candidate runs."""

    service: str
    level: int
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class Provision:
    """Before migrations, and before the candidate runs."""

    plan: InfrastructurePlan
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class Start:
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class AwaitReady:
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class RunCheck:
    check: Check
    preview: bool  # True: on the candidate's own address; False: where users are
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class SetWeight:
    weight: int  # whole percent of the environment's traffic
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class Analyze:
    """Ends as soon as something is proven; what becomes of it at its deadline, the analysis rules say."""

    deadline: timedelta


@dataclass(frozen=True, slots=True)
class Bake:
    duration: timedelta
    deadline: timedelta


@dataclass(frozen=True, slots=True)
class Retire:
    deadline: timedelta


Step = Provision | Migrate | Start | AwaitReady | RunCheck | SetWeight | Analyze | Bake | Retire


def describe(step: Step) -> str:
    """A step in the words that the CLI, the log and `watch` use."""
    match step:
        case Provision(plan=plan):
            return f"infrastructure ({plan})"
        case Migrate(service=service, level=level):
            return f"migrate {service} {level}"
        case AwaitReady():
            return "await ready"
        case RunCheck(check=check, preview=preview):
            return f"check {check.name}{' (preview)' if preview else ''}"
        case SetWeight(weight=weight):
            return f"weight {weight}"
        case Start() | Analyze() | Bake() | Retire():
            return type(step).__name__.lower()
