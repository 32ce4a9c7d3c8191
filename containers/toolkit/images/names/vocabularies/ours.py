"""The names of this project's own label maps, with common synonyms that no tool is known to write."""

from containers.toolkit.images.labels import AUTOCHTHONOUS, BONES, MUSCLES, SPINE_LABELS
from containers.toolkit.images.names.vocabulary import Vocabulary

VOCABULARY = Vocabulary(
    title="myorepro: thigh and back",
    source="this project, containers/toolkit/images/labels.py",
    muscles=(*MUSCLES, *SPINE_LABELS.values(), *AUTOCHTHONOUS, "autochthon", "thigh", "psoas", "quadriceps"),
    bones=BONES,
    others=(),
    meanings={"psoas": "psoas_major", "quadriceps": "quadriceps_femoris"},
)
