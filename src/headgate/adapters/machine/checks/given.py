"""What a check is told in variables."""

import re

from headgate.model.checks import Job


def variables(job: Job, release: str) -> dict[str, str]:
    """BASE_URL is the first service's, SERVICE_URL that of each."""
    application, _, environment = job.environment.partition("/")
    urls = {re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_URL": url for name, url in job.services.items()}
    base = {"BASE_URL": next(iter(job.services.values()))} if job.services else {}
    own = {"APPLICATION": application, "ENVIRONMENT": environment, "RELEASE": release, "REVISION": job.revision}
    return {**urls, **base, **own}
