"""How many examples Hypothesis tries where a test says how many itself."""

from hypothesis import settings

USUAL = 150  # of the profile that CI uses: see conftest


def examples(number: int) -> int:
    """That many; in `make check`, whose profile is `quick`, as much fewer as the profile's own."""
    return max(5, number * min(settings.default.max_examples, USUAL) // USUAL)
