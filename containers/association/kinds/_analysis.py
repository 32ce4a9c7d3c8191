"""The base class of the kinds."""

from abc import abstractmethod

from containers.association.report import CohortReport
from containers.toolkit.analyses import analysis
from containers.toolkit.tables.cohort.columns import Cohort


class Analysis(analysis.Analysis):
    """What every analysis of a cohort has."""

    @abstractmethod
    def run(self, cohort: Cohort, report: CohortReport) -> None:
        """Analyse the cohort, after exclusions and with its derived columns. Raises ItemFault."""
