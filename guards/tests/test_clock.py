"""The clock tells the machine's time, unless a simulation lends it another one."""

from datetime import UTC, datetime, timedelta

from guards import clock


def test_the_clock_follows_another_one_only_while_it_is_told_to() -> None:
    lent = datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)
    clock.follow(lambda: lent)
    try:
        assert clock.now() == lent
    finally:
        clock.follow(None)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC
