"""Rate limits by a clock of the test's."""

import pytest

from playground.state.limits import GLOBAL_PER_SECOND, Limited, RateLimits

MESSAGES = "/channels/{channel_id}/messages"


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> RateLimits:
    return RateLimits(clock)


def test_five_messages_in_five_seconds_then_a_wait(limits: RateLimits, clock: Clock) -> None:
    for _ in range(5):
        headers = limits.take("POST", MESSAGES, "1")
        clock.seconds += 0.5

    refused = limits.take("POST", MESSAGES, "1")

    assert isinstance(headers, dict)
    assert (headers["X-RateLimit-Remaining"], headers["X-RateLimit-Reset-After"]) == ("0", "3.000")
    assert isinstance(refused, Limited)
    assert refused.retry_after == 2.5
    assert refused.body()["global"] is False
    assert refused.all_headers()["Retry-After"] == "3"
    clock.seconds += 2.5
    assert isinstance(limits.take("POST", MESSAGES, "1"), dict)


def test_places_and_kinds_have_buckets_of_their_own(limits: RateLimits) -> None:
    for _ in range(5):
        limits.take("POST", MESSAGES, "1")

    assert isinstance(limits.take("POST", MESSAGES, "1"), Limited)
    assert isinstance(limits.take("POST", MESSAGES, "2"), dict)
    assert isinstance(limits.take("PATCH", MESSAGES + "/{message_id}", "1"), dict)


def test_all_requests_share_fifty_a_second_but_answers_to_interactions_do_not(limits: RateLimits, clock: Clock) -> None:
    for number in range(GLOBAL_PER_SECOND):
        assert isinstance(limits.take("POST", MESSAGES, str(number)), dict)

    refused = limits.take("POST", MESSAGES, "new")
    answered = [limits.take("POST", "/interactions/{interaction_id}/{interaction_token}/callback", "") for _ in "abcd"]

    assert isinstance(refused, Limited)
    assert refused.everywhere
    assert answered == [{}] * 4
    clock.seconds += 1
    assert isinstance(limits.take("POST", MESSAGES, "new"), dict)


def test_idle_buckets_are_forgotten(limits: RateLimits, clock: Clock) -> None:
    for number in range(3000):
        clock.seconds += 1
        limits.take("POST", "/webhooks/{webhook_id}/{webhook_token}", str(number))

    assert len(limits._buckets) <= 1001
