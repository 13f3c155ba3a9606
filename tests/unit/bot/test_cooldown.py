"""What may happen again only after a while."""

from bot.ui.discord.cooldown import Cooldown


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_passes_once_in_its_time() -> None:
    clock = Clock()
    cooldown = Cooldown(60, clock)

    assert cooldown.passes("a")
    clock.now = 59
    assert not cooldown.passes("a")
    assert cooldown.passes("b")
    clock.now = 60
    assert cooldown.passes("a")


def test_keys_that_may_pass_again_are_not_kept() -> None:
    clock = Clock()
    cooldown = Cooldown(60, clock)
    for number in range(1000):
        clock.now = float(number)
        cooldown.passes(number)

    assert len(cooldown._passed) <= 60
