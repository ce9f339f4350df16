"""Names of the input and of the outputs of a model file; whoever calls it with plain ONNX Runtime uses them too."""

from typing import Final

IMAGE: Final = "image"  # uint8 (height, width, 1 or 3): grey, or red, green, blue
LOGIT: Final = "logit"  # float64 (1,): what the network says, not calibrated
P_DEFECTIVE: Final = "p_defective"  # float64 (1,) in [0, 1], calibrated
HEAT_MAP: Final = "heat_map"  # float32 (PLACES, PLACES), nats; not of every network
NOVELTY: Final = "novelty"  # float32 (1,): how unlike the training photos the features are
DEFECT_TYPES: Final = "defect_types"  # float32 (types,): scores of the types on the card; not of every file

PLACES: Final = 20  # a side of a heat map
