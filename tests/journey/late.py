"""`python -m tests.journey.late FILE serve ...`: the server, whose wall clock is ahead by the hours that FILE holds.

What it starts (instances, checks, Envoy) keeps the real time, and so do its own timers.
"""

import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

from headgate.cli.main import main

LOOK = 0.05  # seconds


def follow(file: Path) -> None:
    ahead = 0.0
    while True:
        hours = float(file.read_text() or 0)
        if hours != ahead:
            time_machine.travel(datetime.now(UTC) + timedelta(hours=hours - ahead), tick=True).start()
            ahead = hours
        time.sleep(LOOK)


if __name__ == "__main__":
    threading.Thread(target=follow, args=(Path(sys.argv[1]),), daemon=True).start()
    sys.argv = ["headgate", *sys.argv[2:]]
    sys.exit(main())
