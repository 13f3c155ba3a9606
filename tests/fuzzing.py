"""How many examples the property tests try: their usual number, or 50 times as many under `make fuzz`."""

from hypothesis import settings

FUZZ = "fuzz"
TIMES = 50


def register_profiles() -> None:
    """Registers the profile of `make fuzz`. Deadlines are off: how busy the machine is decides nothing."""
    settings.register_profile("default", settings.get_profile("default"), deadline=None)
    settings.register_profile(FUZZ, deadline=None, max_examples=TIMES * settings.get_profile("default").max_examples)


def examples(usual: int) -> int:
    """Returns how many examples a test tries.

    Args:
        usual: How many it tries in `make test`.
    """
    return TIMES * usual if settings.get_current_profile_name() == FUZZ else usual
