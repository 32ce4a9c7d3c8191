"""A training pair as this stage would take it."""

from containers.thigh_segmentation.check import check_image
from containers.toolkit.networks import case
from containers.toolkit.networks.training_set import Pair


def read_case(pair: Pair, labels: dict[int, str]) -> case.Case:
    """A pair, turned, its mask in the label map's values. Raises ItemFault as `check_image` and `read_pair` do."""
    return case.read_case(pair, labels, lambda volume, turn, where: check_image(volume, where))
