"""`python:3.11-slim` as far as the tests here need it: the base of the demo's images, by the name that files give."""

import io
from pathlib import Path

from headgate.cli.demo import image

EXAMPLE = Path(__file__).parents[3] / "examples" / "pcw"
NAME = "python:3.11-slim"


def root() -> bytes:
    """A tar of its root file system."""
    made = image.root(EXAMPLE)
    made.add_program("sleep")
    held = io.BytesIO()
    made.write(held)
    return held.getvalue()


def changes() -> list[str]:
    """What the image says beside its files."""
    return [*(f"ENV {one}" for one in image.VARIABLES), 'CMD ["python"]']
