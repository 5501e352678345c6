"""What platform `kubernetes` is made with. What differs between environments stands in the file."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    data: Path  # jobs of this server, and which release a revision is
    releases: Path
    log_bytes: int = 10_000_000  # of one check
    jobs_kept: int = 200
