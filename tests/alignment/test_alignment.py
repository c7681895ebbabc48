"""Fields of an alignment, and how the room takes its arguments."""

import attrs
import numpy as np
import pytest
from helpers import defined_in, options_without_names
from random_alignments import random_alignment

import libtilt.alignment
from libtilt import TiltGeometry
from libtilt.alignment import (
    Sizes,
)
from libtilt.errors import MissingArgumentError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"views": [0, 1]}, r"views must have one entry per tilt: expected 5, got 2"),
        ({"views": [0, 1, 2, 3, 3]}, "views must differ"),
        ({"views": [0, 1, 2, 3, 7]}, "views must lie between 0 and 6 for a stack of 7 images"),
        ({"views": [0, 1, 2, 3, 4.5]}, "views must be 5 integers"),
        ({"stack_shape": (7, 40)}, "stack_shape must be 3 positive integers"),
        ({"voxel_size": 0}, "voxel_size must be one positive number"),
        ({"volume_shape": (1, 0, 3)}, "volume_shape must be 3 positive integers"),
    ],
)
def test_alignments_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        attrs.evolve(random_alignment(), **changes)
    with pytest.raises(TypeError, match="geometry must be a TiltGeometry"):
        attrs.evolve(random_alignment(), geometry=3)


def test_alignments_of_other_views_are_infinitely_far(tmp_path):
    one, other = random_alignment(), random_alignment(views=(0, 1, 2, 3, 4))
    assert one.distance(other) == np.inf
    assert one.excluded.tolist() == [2, 5]


def test_missing_sizes_are_required_by_name():
    message = r"a\.xf does not hold the size of the tomogram: pass volume_shape=\(d, h, w\)$"
    with pytest.raises(MissingArgumentError, match=message) as caught:
        Sizes().require("volume_shape", "a.xf")
    assert caught.value.arguments == ("volume_shape",)
    assert Sizes().image_shape is None


@pytest.mark.parametrize("name", libtilt.alignment.__all__)
def test_optional_fields_of_public_classes_are_given_by_name(name):
    kind = getattr(libtilt.alignment, name)
    fields = attrs.fields(kind) if isinstance(kind, type) and attrs.has(kind) else ()
    by_place = {one.name for one in fields if not one.kw_only and one.default is not attrs.NOTHING}
    assert by_place <= ({"geometry"} if name == "ExcludedTilts" else {"_sections"})


def test_objects_with_arrays_are_equal_to_themselves_alone():
    """Arrays have no one answer to whether they are equal."""
    kinds = [
        one for one in defined_in(libtilt.alignment) if isinstance(one, type) and attrs.has(one)
    ]
    holding = [kind for kind in kinds if "rray" in str([one.type for one in attrs.fields(kind)])]
    assert len(holding) > 5
    assert [kind for kind in holding if kind.__eq__ is not object.__eq__] == []


def test_every_option_but_the_sizes_is_given_by_name():
    by_place = set(options_without_names(libtilt.alignment))
    assert {one for one in by_place if not one.endswith(": sizes")} == {
        "split_values: count",
        "CommandFile.numbers: default",
        "project_folders: first",
        "StarBlock.where: label",
    }


def test_the_distance_of_two_alignments_is_a_length_on_an_image():
    one = attrs.evolve(
        random_alignment(views=[0, 1]), stack_shape=(2, 37, 40), pixel_size=1.0, voxel_size=1.0
    )
    one = attrs.evolve(one, geometry=TiltGeometry.from_tilt_angles([0, 30]))
    moved = attrs.evolve(
        one, geometry=TiltGeometry.from_tilt_angles([0, 30], shifts=[[0, 0], [3, 4]])
    )
    assert abs(one.distance(moved) - 5) < 1e-9
