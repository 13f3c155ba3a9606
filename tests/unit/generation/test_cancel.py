"""Who is told of a wish to stop."""

from generation import CancelToken


def test_a_listener_is_told_once() -> None:
    token, told = CancelToken(), list[str]()

    with token.telling(lambda: told.append("stop")):
        assert told == []
        token.cancel()
        token.cancel()

    assert told == ["stop"]


def test_a_listener_that_comes_late_is_told_at_once() -> None:
    token, told = CancelToken(), list[str]()
    token.cancel()

    with token.telling(lambda: told.append("stop")):
        assert told == ["stop"]


def test_a_listener_that_has_left_is_told_nothing_and_the_others_are() -> None:
    token, told = CancelToken(), list[str]()

    with token.telling(lambda: told.append("stays")):
        with token.telling(lambda: told.append("left")):
            pass
        token.cancel()

    assert told == ["stays"]
