"""Google fails half of all calls in every way it knows: all arrives, once, below the limit."""

from bench.google_delivery import LIMIT_PER_S, deliver


def test_every_update_arrives_and_none_has_an_effect_twice() -> None:
    seen = deliver(60, workers=2)
    assert (seen.once, seen.more) == (60, 0)
    assert seen.calls > 60 * 1.5
    assert seen.peak_per_s <= LIMIT_PER_S
