"""The model card of the shipped weights is what the code makes of its data."""

import json

from containers.thigh_segmentation.card import ABOUT
from containers.thigh_segmentation.checkpoint import SHIPPED
from containers.toolkit.images.labels import THIGH_LABELS
from containers.toolkit.networks.model_card import card_text


def test_the_shipped_card_is_made_of_the_shipped_data() -> None:
    card = json.loads(SHIPPED.with_name("card.json").read_text(encoding="utf-8"))
    assert card_text(card, THIGH_LABELS, ABOUT) == SHIPPED.with_name("model_card.md").read_text(encoding="utf-8")
