"""`libtilt.frozen` on subclasses: comparing, hashing, pickling and changing them."""

import pickle
import re
import types
from collections.abc import Hashable

import attrs
import numpy as np
import pytest

from libtilt import ImageGrid, Projector, TiltGeometry, TiltSeries, Volume, VolumeGrid, frozen
from libtilt.reconstruction import WBP, Reconstruction

GEOMETRY = TiltGeometry.from_tilt_angles([-3, 0, 3])


def weights():
    return attrs.field(default=(1.0, 2.0), kw_only=True, converter=np.array)


@frozen
class MyVolume(Volume):
    weights: np.ndarray = weights()


@frozen
class MySeries(TiltSeries):
    weights: np.ndarray = weights()


@frozen
class MyGeometry(TiltGeometry):
    weights: np.ndarray = weights()


@frozen
class MyVolumeGrid(VolumeGrid):
    weights: np.ndarray = weights()


@frozen
class MyProjector(Projector):
    weights: np.ndarray = weights()
    mask: Volume | None = attrs.field(default=None, kw_only=True)


@frozen(repr=False)
class MyReconstruction(Reconstruction):
    weights: np.ndarray = weights()


@frozen
class MyImageGrid(ImageGrid):
    name: str = "unnamed"


def volume(**fields):
    return MyVolume(np.ones((2, 3, 4)), voxel_size=2.0, **fields)


def series(**fields):
    return MySeries(np.ones((3, 4, 4)), GEOMETRY, **fields)


def geometry(**fields):
    return MyGeometry.from_tilt_angles([-3, 0, 3], **fields)


def grid(**fields):
    return MyVolumeGrid((2, 3, 4), 2.0, **fields)


def projector(**fields):
    return MyProjector(GEOMETRY, voxel_size=2.0, **fields)


def reconstruction(**fields):
    history = {"residuals": [], "method": WBP(), "stop_reason": "direct", "iterations": 0}
    return MyReconstruction(np.ones((2, 3, 4)), kind=Volume, **history, **fields)


WHOLE = (geometry, grid, projector)
ELEMENTWISE = (volume, series, reconstruction)


@pytest.mark.parametrize("make", WHOLE)
def test_subclasses_compare_all_fields_as_a_whole(make):
    assert (make() == make()) is True
    assert (make() == make(weights=[1, 3])) is False
    assert (make() != make(weights=[1, 2, 3])) is True


@pytest.mark.parametrize("make", ELEMENTWISE)
def test_subclasses_of_images_compare_element_by_element(make):
    assert (make() == make()).shape == make().shape
    assert (make() == 1).all()
    assert not (make() != make(weights=[3, 4])).any()


@pytest.mark.parametrize("make", [*WHOLE, *ELEMENTWISE])
def test_subclasses_that_hold_arrays_are_not_hashable(make):
    assert not isinstance(make(), Hashable)
    with pytest.raises(TypeError, match=f"unhashable type: '{type(make()).__name__}'"):
        hash(make())


@pytest.mark.parametrize("make", [*WHOLE, *ELEMENTWISE])
def test_arrays_of_a_pickled_copy_are_read_only(make):
    again = pickle.loads(pickle.dumps(make()))
    assert type(again) is type(make())
    assert np.all(again == make())
    arrays = [value for value in vars(again).values() if isinstance(value, np.ndarray)]
    assert arrays
    assert not any(array.flags.writeable for array in arrays)


@pytest.mark.parametrize("make", [*WHOLE, *ELEMENTWISE[:2]])
def test_a_changed_copy_keeps_class_and_fields(make):
    changed = attrs.evolve(make(), weights=[5.0])
    assert type(changed) is type(make())
    assert changed.weights.tolist() == [5.0]
    assert attrs.evolve(make(weights=[7.0])).weights.tolist() == [7.0]


def test_fields_that_hold_volumes_compare_as_a_whole():
    mask = Volume(np.zeros((2, 2, 2)))
    assert projector(mask=mask) == projector(mask=Volume(np.zeros((2, 2, 2))))
    assert projector(mask=mask) != projector(mask=mask.evolve(voxel_size=2.0))
    assert projector(mask=mask) != projector(mask=None)
    assert projector(mask=None) != projector(mask=mask)


def test_fields_that_hold_tuples_of_arrays_compare_as_a_whole():
    @frozen
    class Paired(TiltGeometry):
        pair: tuple = attrs.field(kw_only=True)

    def paired(*values):
        return Paired.from_tilt_angles([0], pair=tuple(map(np.array, values)))

    assert paired([1, 2], [3]) == paired([1, 2], [3])
    assert paired([1, 2], [3]) != paired([1, 2], [4])
    assert paired([1, 2], [3]) != paired([1, 2])


def test_a_subclass_of_a_hashable_class_hashes_by_all_fields():
    one, same, other = MyImageGrid((4, 5)), MyImageGrid((4, 5)), MyImageGrid((4, 5), name="x")
    assert one == same
    assert hash(one) == hash(same)
    assert len({one, same, other, ImageGrid((4, 5))}) == 3


def test_a_subclass_of_a_hashable_class_with_an_array_is_unhashable():
    @frozen
    class Weighted(ImageGrid):
        weights: np.ndarray = weights()

    assert Weighted((4, 5)) == Weighted((4, 5))
    with pytest.raises(TypeError, match=r"unhashable type: 'numpy\.ndarray'"):
        hash(Weighted((4, 5)))


def test_user_defined_comparisons_and_hashes_are_kept():
    @frozen
    class Same(TiltGeometry):
        def __eq__(self, other):
            return len(self) == len(other)

        def __hash__(self):
            return len(self)

    assert Same.from_tilt_angles([0, 1]) == Same.from_tilt_angles([5, 6])
    assert hash(Same.from_tilt_angles([0, 1])) == 2


def test_a_field_may_define_its_own_comparison():
    @frozen
    class Noted(TiltGeometry):
        note: str = attrs.field(default="", kw_only=True, eq=False)
        name: str = attrs.field(default="", kw_only=True, eq=str.lower)

    one = Noted.from_tilt_angles([0], note="a", name="TS")
    assert one == Noted.from_tilt_angles([0], note="b", name="ts")
    assert one != Noted.from_tilt_angles([0], note="a", name="TS_2")


def test_a_user_defined_class_compares_arrays_and_is_frozen():
    @frozen(kw_only=True)
    class Mask:
        values: np.ndarray

    mask = Mask(values=np.arange(3))
    assert mask == Mask(values=np.arange(3))
    assert mask != Mask(values=np.arange(4))
    assert not isinstance(mask, Hashable)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        mask.values = 3


def test_a_subclass_of_a_subclass_compares_both_fields():
    @frozen
    class Deeper(MyGeometry):
        doses: np.ndarray = attrs.field(kw_only=True, converter=np.array)

    one = Deeper.from_tilt_angles([0, 1], doses=[1, 2])
    assert one == Deeper.from_tilt_angles([0, 1], doses=[1, 2])
    assert one != Deeper.from_tilt_angles([0, 1], doses=[1, 2], weights=[0])
    assert one != Deeper.from_tilt_angles([0, 1], doses=[1, 4])


ADDED = {"doses": attrs.field(factory=lambda: np.arange(30.0), kw_only=True)} | {
    "note": attrs.field(default="a <b>", kw_only=True),
    "_cache": attrs.field(default=None, kw_only=True),
    "log": attrs.field(default=print, kw_only=True, repr=False),
}
BASES = {
    Volume: lambda kind: kind(np.ones((2, 3, 4))),
    TiltSeries: lambda kind: kind(np.ones((3, 4, 5)), GEOMETRY),
    TiltGeometry: lambda kind: kind(GEOMETRY.rotation_matrices),
    Projector: lambda kind: kind(GEOMETRY, volume_shape=(4, 4, 4)),
}


@pytest.mark.parametrize("base", BASES)
def test_a_subclass_shows_what_its_base_shows_and_its_own_fields(base):
    def body(namespace):
        namespace |= ADDED
        namespace["__annotations__"] = dict.fromkeys(ADDED, object)

    kind = frozen(types.new_class("Mine", (base,), exec_body=body))
    made = BASES[base](kind)
    text = re.sub(r"^.*Mine\(", f"{base.__name__}(", repr(made))
    plain = repr(BASES[base](base))
    assert text == f"{plain.removesuffix(')')}, doses=(30,) float64, note='a <b>')"
    table = made._repr_html_()
    for expected in ("<b>Mine</b>", "doses", "(30,) float64", "note", "&#x27;a &lt;b&gt;&#x27;"):
        assert expected in table
    assert not {"_cache", "cache", "log"} & set(re.findall(r"left'>(\w+)</th>", table))


def test_a_written_repr_is_inherited_and_may_be_replaced():
    @frozen
    class Mine(Projector):
        gain: float = attrs.field(default=2.0, kw_only=True)

        def __repr__(self):
            return f"gain of {self.gain}"

    @frozen
    class Further(Mine):
        more: int = attrs.field(default=1, kw_only=True)

    assert repr(Mine(GEOMETRY)) == repr(Further(GEOMETRY)) == "gain of 2.0"
