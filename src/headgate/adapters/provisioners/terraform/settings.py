"""What may be set about the provisioner `terraform`."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class TerraformSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path  # providers, modules and plans: for the server's user alone, never in the folder of the configuration
    program: str = "terraform"
    init: timedelta = timedelta(minutes=5)  # providers of the network are large
    plan: timedelta = timedelta(minutes=5)
    read: timedelta = timedelta(minutes=1)  # outputs and resources, from the state
    lock: timedelta = timedelta(seconds=20)  # somebody else may work on the same state
    ending: timedelta = timedelta(seconds=60)  # from SIGINT to SIGKILL: it writes its state and gives the lock back
