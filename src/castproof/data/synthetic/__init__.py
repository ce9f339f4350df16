"""Generated photos of castings with known truth: for the demo, the tests and pre-training.

`make_part` builds one casting with its own identity, `photograph` takes a photo of it, `write_dataset` writes
class folders. Needs numpy, scipy and Pillow.
"""

from castproof.data.synthetic.camera import Shot, photograph
from castproof.data.synthetic.dataset import write_dataset
from castproof.data.synthetic.part import DEFECT_TYPES, FAMILIES, Part, make_part

__all__ = ["DEFECT_TYPES", "FAMILIES", "Part", "Shot", "make_part", "photograph", "write_dataset"]
