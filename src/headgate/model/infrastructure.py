"""Infrastructure: what an environment stands on, made by a provisioner such as Terraform; its plans and its outputs.

Values of resources are in none of these, but for outputs: a state may hold secrets.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from headgate.model.ids import RolloutId

Action = Literal["create", "update", "replace", "destroy", "import", "move", "forget"]
HARMFUL: tuple[Action, ...] = ("replace", "destroy")


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """What one environment's infrastructure is made from: a folder of the server, never of the commit under release."""

    kind: str  # the provisioner's name: "terraform"
    folder: str
    workspace: str = ""  # empty: the default one
    var_files: tuple[str, ...] = ()  # below the folder, or absolute
    variables: dict[str, str] = field(default_factory=dict)
    backend: dict[str, str] = field(default_factory=dict)  # what the folder leaves open of where the state is
    destroy: Literal["never", "approved"] = "never"  # whether a plan may destroy or replace what there is
    timeout: timedelta = timedelta(minutes=30)  # of one apply
    origin: str = field(default="", compare=False)  # where the file says so: "environments.qa.terraform (file:12)"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    address: str  # "module.cache.aws_elasticache_cluster.main[0]"
    type: str
    action: Action
    attributes: tuple[str, ...] = ()  # names alone of what is another
    why: str = ""  # it is replaced or destroyed

    def __str__(self) -> str:
        what = f" ({', '.join(self.attributes)})" if self.attributes and self.action == "update" else ""
        loud = self.action.upper() if self.action in HARMFUL else self.action
        return f"{loud} {self.address}{what}{f': {self.why}' if self.why else ''}"


@dataclass(frozen=True, slots=True)
class InfrastructurePlan:
    """`digest` is keyed, and of all that the plan says, values included: another value is another plan."""

    digest: str
    changes: tuple[ResourceChange, ...] = ()
    outputs: tuple[str, ...] = ()  # names of those that change

    @property
    def empty(self) -> bool:
        return not self.changes and not self.outputs

    @property
    def harmful(self) -> tuple[ResourceChange, ...]:
        return tuple(one for one in self.changes if one.action in HARMFUL)

    def __str__(self) -> str:
        if self.empty:
            return "nothing to change"
        counted = [(verb, sum(one.action == verb for one in self.changes)) for verb in VERBS]
        told = [f"{count} to {verb.upper() if verb in HARMFUL else verb}" for verb, count in counted if count]
        return ", ".join([*told, *([f"outputs {', '.join(self.outputs)}"] if self.outputs else [])])


VERBS: tuple[Action, ...] = ("create", "import", "update", "move", "forget", "replace", "destroy")


@dataclass(frozen=True, slots=True)
class Output:
    """Text as a variable holds it; what is no text is JSON. `sensitive`: nobody is shown it."""

    value: str = field(repr=False)
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    address: str
    type: str


@dataclass(frozen=True, slots=True)
class PlanSeen:
    """What the provisioner said of what a start that waits would do."""

    rollout: RolloutId
    at: datetime
    plan: InfrastructurePlan | None  # None: it cannot be told
    why: str = ""


@dataclass(frozen=True, slots=True)
class ProvisioningSeen:
    digest: str
    state: Literal["running", "passed", "failed"]
    why: str = ""
    rollout: RolloutId | None = None  # that it came with: the same plan may be applied again


# --- events, of stream environment:APP/ENV


@dataclass(frozen=True, slots=True)
class InfrastructurePlanned:
    """What would be done to the infrastructure if what waits were let in now."""

    rollout: RolloutId
    plan: InfrastructurePlan


@dataclass(frozen=True, slots=True)
class ProvisioningStarted:
    """The decision. From here on it is seen to its end, whatever becomes of the rollout that it came with."""

    plan: InfrastructurePlan
    by: str
    why: str
    rollout: RolloutId | None = None  # that waits for it; None: asked for by itself


@dataclass(frozen=True, slots=True)
class ProvisioningEnded:
    digest: str
    outcome: Literal["passed", "failed"]
    why: str  # in the provisioner's own words, where it failed


ProvisioningEvent = InfrastructurePlanned | ProvisioningStarted | ProvisioningEnded
