"""Cleveland's local linear smoother without robustness steps, as R's lowess(x, y, f, iter = 0) computes it.

Cleveland, J Am Stat Assoc 74:829 (1979); the rules are those of R's clowess.c: tricube weights over the nearest
floor(f n) points, cut off beyond 0.999 h and flat below 0.001 h; local fits only at anchors at most 1 % of the range
apart, and straight lines between these.

A local fit needs sums of (1 - u^3)^3, u = |x - a| / h, times 1, x, x^2, y, xy over the points. Between the kinks of
the weight these are polynomials in x, so that the moments of a block of neighbouring points give its share for any
anchor and bandwidth, without any approximation; only the few blocks that hold a kink are summed point by point. The
result is R's but for rounding, in a tenth of the operations.
"""

import numpy as np

from containers.toolkit.tables.cohort.arrays import BoolArray, FloatArray, IntArray

WEIGHT_DEGREE = 9
MOMENTS = WEIGHT_DEGREE + 3
"""Powers of x that a block's moments are needed of: those of the weight times 1, x and x^2."""
FLAT, CUT = 0.001, 0.999
"""Share of the bandwidth below which the weight is 1, and above which it is 0."""
STEP = 0.01
"""Share of the range within which no second local fit is made (R's default delta)."""
BLOCKS_AT_ONCE, ANCHORS_AT_ONCE = 16, 16
"""Few calls, and temporary arrays that are small compared with the points."""


class Lowess:
    """Smoother of points at places x, for any number of points and responses there.

    x: (n,) sorted ascending, finite. The places are cut into blocks of equal count, the last one filled up with its
    last place (which gets no weight).
    """

    def __init__(self, x: FloatArray) -> None:
        # Least work per anchor: some 40 operations for each of n / size blocks, some 20 for 3 * size points by kinks.
        self.size = max(8, int(np.sqrt(0.6 * len(x))))
        self.blocks = -(-len(x) // self.size)
        self.x = x
        self.rows = self._cut(x, x[-1])
        self.low, self.high = self.rows[:, 0], self.rows[:, -1]
        self.centre = (self.low + self.high) / 2
        self.half = np.where(self.high > self.low, (self.high - self.low) / 2, 1.0)

    def at(self, places: FloatArray, counts: IntArray, totals: FloatArray, span: float = 2 / 3) -> FloatArray:
        """The smooth at (k,) places, by straight lines between anchors; NaN outside the points.

        counts: (n,) how many points lie at each x, two at least in all. totals: (n,) the sum of their responses.
        """
        points = np.repeat(self.x, counts) if counts.max() > 1 or counts.min() < 1 else self.x
        anchors = _anchors(points)
        after = np.clip(np.searchsorted(anchors, places, "right"), 1, max(1, len(anchors) - 1))
        anchors = anchors[np.unique(np.concatenate([after - 1, np.minimum(after, len(anchors) - 1)]))]
        width = _bandwidths(points, anchors, span)
        first, last = float(points[0]), float(points[-1])
        del points
        fitted = self._local_lines(self._cut(counts), self._cut(totals), anchors, width, (first, last))
        inside = (places >= first) & (places <= last)
        return np.where(inside, np.interp(places, anchors, fitted), np.nan)

    def _cut(self, values: FloatArray | IntArray, fill: float = 0.0) -> FloatArray:
        """(n,) values as (blocks, size)."""
        padded = np.full(self.blocks * self.size, fill)
        padded[: len(values)] = values
        return padded.reshape(self.blocks, self.size)

    def _local_lines(
        self,
        weight: FloatArray,
        response: FloatArray,
        anchors: FloatArray,
        width: FloatArray,
        ends: tuple[float, float],
    ) -> FloatArray:
        """The fitted value at each anchor. weight, response: (blocks, size) counts and totals."""
        extent, middle = ends[1] - ends[0], (ends[0] + ends[1]) / 2
        unit = extent or 1.0
        of_blocks = self._block_sums(weight, response, middle, unit)
        sums = np.empty((len(anchors), of_blocks.shape[1]))
        for first in range(0, len(anchors), ANCHORS_AT_ONCE):
            some = slice(first, first + ANCHORS_AT_ONCE)
            plain, kinked = self._sort_blocks(anchors[some], width[some])
            sums[some] = self._expansions(anchors[some], width[some], plain) @ of_blocks
            anchor, block = np.nonzero(kinked)
            rows = self.rows.take(block, axis=0)
            u, kernel = _tricube(rows, anchors[some][anchor], width[some][anchor])
            np.copyto(kernel, 0.0, where=u > CUT)
            np.copyto(kernel, 1.0, where=u <= FLAT)
            rows -= middle
            rows /= unit
            features = _features(rows, weight.take(block, axis=0), response.take(block, axis=0))
            for column, feature in enumerate(features):
                parts = np.einsum("pj,pj->p", kernel, feature)
                sums[some, column] += np.bincount(anchor, weights=parts, minlength=len(plain))
        s0, s1, s2, y0, y1 = sums.T
        mean = s1 / s0
        spread = np.maximum(s2 / s0 - mean**2, 0.0)
        tilted = np.sqrt(spread) > 0.001 * extent / unit
        lever = np.divide((anchors - middle) / unit - mean, spread, out=np.zeros_like(mean), where=tilted)
        fitted: FloatArray = y0 / s0 + lever * (y1 - mean * y0) / s0
        return fitted

    def _block_sums(self, weight: FloatArray, response: FloatArray, middle: float, unit: float) -> FloatArray:
        """(10 * blocks, 5): sums over a block of t^m times what a local line needs; t runs from -1 to 1."""
        moments = np.empty((self.blocks, MOMENTS, 2))
        for first in range(0, self.blocks, BLOCKS_AT_ONCE):
            some = slice(first, first + BLOCKS_AT_ONCE)
            t = (self.rows[some] - self.centre[some, None]) / self.half[some, None]
            powers = np.ones((MOMENTS, *t.shape))
            for m in range(1, MOMENTS):
                np.multiply(powers[m - 1], t, out=powers[m])
            moments[some] = powers.transpose(1, 0, 2) @ np.stack([weight[some], response[some]], axis=2)
        of_weight, of_response = moments.transpose(2, 1, 0)
        # z = shift + stretch * t is what _features takes.
        shift, stretch = (self.centre - middle) / unit, self.half / unit
        m0, m1, m2 = of_weight[:-2], of_weight[1:-1], of_weight[2:]
        y0, y1 = of_response[:-2], of_response[1:-1]
        first_power = shift * m0 + stretch * m1
        second_power = shift * (first_power + stretch * m1) + stretch**2 * m2
        return np.stack([m0, first_power, second_power, y0, shift * y0 + stretch * y1], axis=2).reshape(-1, 5)

    def _expansions(self, anchors: FloatArray, width: FloatArray, plain: BoolArray) -> FloatArray:
        """(anchors, 10 * blocks): coefficients of t^m of the weight in each block; 0 where it is not `plain`.

        With u = b + a t in the block, |a| + b <= 1: the Taylor series of (1 - u^3)^3 at b, which ends at degree 9.
        """
        inverse = 1.0 / np.where(width > 0, width, 1.0)[:, None]
        b = (self.centre - anchors[:, None]) * inverse
        a = np.where(plain, np.copysign(self.half * inverse, b), 0.0)
        # The weight and all that multiplies a power of a is 0 here.
        b = np.where(plain, np.abs(b), 1.0)
        square = b * b
        cube = square * b
        rest = 1.0 - cube
        series = np.empty((len(anchors), WEIGHT_DEGREE + 1, self.blocks))
        series[:, 0] = rest * rest * rest
        series[:, 1] = -9.0 * square * rest * rest
        series[:, 2] = b * ((-36.0 * cube + 45.0) * cube - 9.0)
        series[:, 3] = (-84.0 * cube + 60.0) * cube - 3.0
        series[:, 4] = square * (45.0 - 126.0 * cube)
        series[:, 5] = b * (18.0 - 126.0 * cube)
        series[:, 6] = 3.0 - 84.0 * cube
        series[:, 7] = -36.0 * square
        series[:, 8] = -9.0 * b
        series[:, 9] = -1.0
        power = a
        for m in range(1, WEIGHT_DEGREE + 1):
            series[:, m] *= power
            power = power * a
        return series.reshape(len(anchors), -1)

    def _sort_blocks(self, anchors: FloatArray, width: FloatArray) -> tuple[BoolArray, BoolArray]:
        """(anchors, blocks): where the weight is one polynomial, and where it has a kink; elsewhere it is 0."""
        low, high = self.low - anchors[:, None], self.high - anchors[:, None]
        cut, flat = CUT * width[:, None], FLAT * width[:, None]
        reached = (high >= -cut) & (low <= cut)
        plain = ((low >= -cut) & (high <= -flat)) | ((low >= flat) & (high <= cut))
        plain &= width[:, None] > 0
        return plain, reached & ~plain


def _features(z: FloatArray, weight: FloatArray, response: FloatArray) -> tuple[FloatArray, ...]:
    """What a local line needs the sums of, each of z's shape."""
    weighted = weight * z
    return weight, weighted, weighted * z, response, response * z


def _tricube(x: FloatArray, anchors: FloatArray, width: FloatArray) -> tuple[FloatArray, FloatArray]:
    """u = |x - anchor| / width and (1 - u^3)^3, (anchors, places). x: (places,) or (anchors, places)."""
    u = x - anchors[:, None]
    np.abs(u, out=u)
    # A window of width 0 holds ties only: compared with them u is huge, and capped where its cubes would overflow.
    u *= 1.0 / np.maximum(width, 1e-290)[:, None]
    np.minimum(u, 2.0, out=u)
    weight = u * u
    weight *= u
    np.subtract(1.0, weight, out=weight)
    cube = weight * weight
    cube *= weight
    return u, cube


def _anchors(points: FloatArray) -> FloatArray:
    """Places of the local fits: the walk of clowess.c over the sorted points."""
    delta = STEP * (points[-1] - points[0])
    find, n = points.searchsorted, len(points)
    anchors, i = [], 0
    while True:
        here = points[i]
        anchors.append(here)
        last = i
        if i + 1 < n and points[i + 1] == here:
            last = int(find(here, "right")) - 1
        if last >= n - 1:
            return np.array(anchors)
        i = max(last + 1, int(find(here + delta, "right")) - 1)


def _bandwidths(points: FloatArray, anchors: FloatArray, span: float) -> FloatArray:
    """Distance of each anchor to the farther end of its floor(span n) nearest points."""
    n = len(points)
    nearest = max(min(n, int(span * n + 1e-7)), 2)
    ends = points[: n - nearest] + points[nearest:]
    start = np.searchsorted(ends, 2 * anchors)
    width: FloatArray = np.maximum(anchors - points[start], points[start + nearest - 1] - anchors)
    return width
