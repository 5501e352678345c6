"""What every step is told in its environment."""

from headgate.model.builds import StepOrder


def told(order: StepOrder) -> dict[str, str]:
    """What others typed (branch, version) is in variables, never in the command line."""
    build = order.build
    return {
        "CI": "true",
        "HEADGATE_APPLICATION": build.application,
        "HEADGATE_BUILD": build.id,
        "HEADGATE_STEP": order.step.name,
        "HEADGATE_COMMIT": build.commit,
        "HEADGATE_BRANCH": build.branch,
        "HEADGATE_VERSION": build.version or "",
    }
