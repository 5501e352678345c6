"""What is planted: patches to the example, and variables that they read."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.verdicts.planner import Regression

PATCHES = Path(__file__).with_name("patches")
LATE = 0.020  # seconds


@dataclass(frozen=True, slots=True)
class Defect:
    name: str
    patch: Path
    env: dict[str, str] = field(default_factory=dict)  # of web
    more_errors: float = 0.0
    late: float = 0.0  # seconds that are added to every answer

    def regression(self, usual: float) -> Regression | None:
        """For the planner, which knows shares of errors and everything slower; `usual`: median latency, seconds."""
        if not self.more_errors and not self.late:
            return None
        return Regression(self.more_errors, self.late / usual)


def _failing(name: str, share: float) -> Defect:
    return Defect(name, PATCHES / "planted.patch", {"PLANTED_FAILING": f"{share:g}"}, more_errors=share)


DEFECTS = (
    _failing("1 % errors", 0.01),
    _failing("5 % errors", 0.05),
    _failing("100 % errors", 1.0),
    Defect("20 ms added", PATCHES / "planted.patch", {"PLANTED_LATE": f"{LATE:g}"}, late=LATE),
    Defect("one provider slow", PATCHES / "slow-provider.patch"),
)
