import numpy as np
import pytest

from deepfake_adv.faces.box import official_crop
from deepfake_adv.faces.whole import Whole


@pytest.mark.parametrize(("height", "width", "box"), [(50, 50, (0, 0, 50, 50)), (40, 60, (10, 0, 50, 40))])
def test_the_box_is_the_largest_square_in_the_middle_and_is_cut_so_without_a_margin(height, width, box):
    (found,) = Whole()(np.zeros((height, width, 3), np.uint8))
    assert found[:4] == box
    square = official_crop(found, width, height, margin=1.0)
    assert (square.x, square.y, square.side) == (box[0], box[1], box[2] - box[0])


def test_a_square_picture_is_cut_whole_by_any_margin():
    (found,) = Whole()(np.zeros((50, 50, 3), np.uint8))
    assert official_crop(found, 50, 50, margin=1.3) == (0, 0, 50)
