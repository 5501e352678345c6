"""Files that the tests of this room share."""

from pathlib import Path

SAMPLE = (Path(__file__).parent / "sample.yaml").read_text()  # section 5 of the design, letter for letter

SMALL = """\
application: shop
services:
  web: {command: [serve, "$PORT"], port: 8000}
environments:
  production: {platform: process}
"""

PRESENT = {
    "platforms": {"process"},
    "traffic": {"envoy"},
    "metrics": {"envoy"},
    "checks": {"smoke", "run"},
    "gates": {"approval", "soak"},
}


def production(fields: str) -> str:
    """SMALL with these fields in production's flow mapping."""
    return SMALL.replace("platform: process", f"platform: process, {fields}")


def service(fields: str) -> str:
    """SMALL with these fields in web's flow mapping."""
    return SMALL.replace("port: 8000", f"port: 8000, {fields}")
