"""Token buckets in virtual time."""

from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.limits import Limits
from chatttsd.speech.quota import CallQuota, TokenBucket

LIMITS = Limits(calls_per_second=50, call_burst=100)


def test_a_burst_is_admitted_and_the_next_call_is_not() -> None:
    quota = CallQuota(LIMITS)
    assert all(quota.admit(":1", 0.0) for _ in range(100))
    assert not quota.admit(":1", 0.0)


def test_tokens_come_back_at_the_rate() -> None:
    quota = CallQuota(LIMITS)
    while quota.admit(":1", 0.0):
        pass
    assert sum(quota.admit(":1", 1.0) for _ in range(100)) == 50


def test_what_costs_more_is_owed_and_paid_back() -> None:
    quota = CallQuota(LIMITS)
    assert quota.admit(":1", 0.0, 150)
    assert not quota.admit(":1", 0.9)
    assert quota.admit(":1", 1.1)


def test_a_sender_does_not_pay_for_another() -> None:
    quota = CallQuota(LIMITS)
    while quota.admit(":1", 0.0):
        pass
    assert quota.admit(":2", 0.0)


def test_ten_thousand_senders_that_left_leave_nothing() -> None:
    quota = CallQuota(LIMITS)
    for number in range(10_000):
        quota.admit(f":1.{number}", number / 1000)
        quota.forget(f":1.{number}")
    quota.forget(":9.9")
    assert len(quota) == 0


@given(st.lists(st.floats(0, 10), max_size=200).map(sorted))
def test_never_more_than_burst_plus_rate_times_time(times: list[float]) -> None:
    bucket = TokenBucket(rate=5, burst=10, tokens=10, updated=0)
    admitted = sum(bucket.take(now) for now in times)
    assert admitted <= 10 + 5 * (times[-1] if times else 0) + 1e-6
