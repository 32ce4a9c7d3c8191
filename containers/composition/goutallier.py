"""Goutallier-like grades: a fat fraction sorted into five grades by cut points.

Goutallier's grades are words for what a reader sees on CT (Clin Orthop Relat Res 304:78, 1994): 0 no fat, 1 some fatty
streaks, 2 less fat than muscle, 3 as much fat as muscle, 4 more fat than muscle. No reader is at work here, and no cut
points are agreed upon. The default is the only published sorting of MRI fat fractions into the five grades that we
know: under 10, 20, 30 and 40 % by two-point Dixon at 3 T (Horiuchi et al., Acad Radiol 24:1415, 2017, Figure 7;
supraspinatus), whose grades were distributed as the readers' were. By the words, grade 3 would lie at 50 %.
"""

from bisect import bisect_right
from collections.abc import Sequence

from containers.contract.errors import RequestFault
from containers.contract.stage import Job


def cut_points(job: Job) -> tuple[float, ...]:
    """Parameter `goutallier_cut_percent`. Raises RequestFault unless it has four numbers that rise from 0 to 100."""
    cuts = job.parameters["goutallier_cut_percent"]
    numbers = all(isinstance(cut, (int, float)) and not isinstance(cut, bool) for cut in cuts)
    if not numbers or len(cuts) != 4 or not all(a < b for a, b in zip([0, *cuts], [*cuts, 100], strict=True)):
        raise RequestFault(
            f"{cuts} are not four rising percentages between 0 and 100",
            where="parameters.goutallier_cut_percent",
            fix="give where grades 1, 2, 3 and 4 begin, for example [10, 20, 30, 40]",
        )
    return tuple(float(cut) for cut in cuts)


def grade(percent: float | None, cuts: Sequence[float]) -> int | None:
    """Grade 0 to 4 of a fat fraction in percent; a fraction at a cut point has the higher grade. None for None."""
    return None if percent is None else bisect_right(cuts, percent)
