"""Share of a group with the event, with Wilson's score interval (J Am Stat Assoc 22:209, 1927)."""

import math

from scipy.special import ndtri


def wilson_interval(events: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of events / n without continuity correction; its end at 0 events is 0, at n events 1.

    Raises ValueError when n is not positive or events lie outside 0 to n.
    """
    if n <= 0 or not 0 <= events <= n:
        raise ValueError(f"{events} events of {n}")
    z2 = float(ndtri(0.5 + level / 2)) ** 2
    share = events / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) + z2 / (4 * n)) / n) / (1 + z2 / n)
    return (0.0 if events == 0 else middle - half), (1.0 if events == n else middle + half)
