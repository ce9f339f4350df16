"""How much each photo counts in learning."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from castproof.data.manifest import Photo
from castproof.data.splits import part_key


def photo_weights(photos: Sequence[Photo], weigh: str) -> npt.NDArray[np.float32]:
    """Return the weight of each photo, float32 (n,), with the mean 1.

    Args:
        photos: what is learnt from.
        weigh: "photos": all alike. "parts": good and defective photos weigh the same in sum, and within each kind a
            part weighs as much as the square root of its number of photos: many photos of one part tell more than
            few, but far from as much as the same number of photos of different parts.
    """
    if weigh == "photos":
        return np.ones(len(photos), np.float32)
    of_part = Counter((part_key(photo), photo.defective) for photo in photos)
    counts = np.array([of_part[part_key(photo), photo.defective] for photo in photos], np.float64)
    weight = 1 / np.sqrt(counts)
    defective = np.array([photo.defective for photo in photos])
    for kind in (defective, ~defective):
        weight[kind] /= weight[kind].sum()
    mean_one: npt.NDArray[np.float32] = (weight / weight.mean()).astype(np.float32)
    return mean_one
