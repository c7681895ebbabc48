"""`TiltGeometry` and its subclasses as collections of tilts and as frozen objects."""

import copy
import pickle

import attrs
import numpy as np
import pytest
from helpers import ANY_ROTATION, SINGLE_AXIS, DosedGeometry

from libtilt import TiltGeometry
from libtilt.geometry import require_geometry

DOSED = DosedGeometry.from_tilt_angles(
    [0, 3, -3, 6], shifts=[[0, 0], [1, 1], [2, 2], [3, 3]], doses=[0, 1, 2, 3], microscope="Krios"
)


def doses_and_shifts(geometry):
    assert type(geometry) is DosedGeometry
    assert geometry.microscope == "Krios"
    assert geometry.shifts[:, 0].tolist() == geometry.doses.tolist()
    return geometry.doses.tolist()


@pytest.mark.parametrize(
    ("index", "tilts"),
    [
        (1, [1]),
        (-1, [3]),
        (slice(1, 3), [1, 2]),
        (slice(None, None, -2), [3, 1]),
        ([2, 0], [2, 0]),
        (np.array([True, False, True, False]), [0, 2]),
        (..., [0, 1, 2, 3]),
    ],
)
def test_indexing_keeps_rows_together_and_the_subclass(index, tilts):
    selected = DOSED[index]
    assert doses_and_shifts(selected) == tilts
    assert np.array_equal(selected.rotation_matrices, DOSED.rotation_matrices[tilts])


@pytest.mark.parametrize("index", [4, -5, [0, 9], [True]])
def test_an_index_out_of_range_is_refused(index):
    with pytest.raises(IndexError, match="index does not fit 4 tilts"):
        DOSED[index]


@pytest.mark.parametrize("index", [[], slice(4, None), DOSED.tilt_angles > 90])
def test_a_geometry_without_tilts_is_refused(index):
    with pytest.raises(IndexError, match="select at least one of 4 tilts"):
        DOSED[index]


def test_iteration_gives_single_tilts_in_order():
    tilts = list(DOSED)
    assert [doses_and_shifts(tilt) for tilt in tilts] == [[0], [1], [2], [3]]
    assert len(DOSED) == 4


def test_concatenate_undoes_iteration():
    assert DosedGeometry.concatenate(DOSED) == DOSED
    assert TiltGeometry.concatenate([SINGLE_AXIS[:2], SINGLE_AXIS[2:]]) == SINGLE_AXIS


def test_concatenate_takes_other_fields_from_the_first():
    other = DOSED.evolve(microscope="other")
    assert TiltGeometry.concatenate([DOSED, other]).microscope == "Krios"


def test_concatenate_needs_a_geometry():
    with pytest.raises(ValueError, match="geometries must contain at least one geometry, got none"):
        TiltGeometry.concatenate([])


def test_sort_orders_by_tilt_angle_and_keeps_ties():
    assert doses_and_shifts(DOSED.sort()) == [2, 0, 1, 3]
    tied = TiltGeometry.from_tilt_angles([3, 0, 3], shifts=[[0, 0], [1, 0], [2, 0]])
    assert tied.sort().shifts[:, 0].tolist() == [1, 0, 2]


def test_evolve_changes_one_field_and_keeps_the_others():
    changed = DOSED.evolve(shifts=(5, 0))
    assert changed.shifts.tolist() == [[5, 0]] * 4
    assert changed.doses.tolist() == DOSED.doses.tolist()
    assert type(changed) is DosedGeometry
    with pytest.raises(TypeError, match="tilt_angles"):
        DOSED.evolve(tilt_angles=[1])


def test_evolve_validates_changed_fields():
    with pytest.raises(ValueError, match=r"one row per tilt: expected \(4, 2\), got \(3, 2\)"):
        DOSED.evolve(shifts=np.zeros((3, 2)))


@pytest.mark.parametrize(
    "make",
    [
        lambda **fields: DosedGeometry(SINGLE_AXIS.rotation_matrices, **fields),
        lambda **fields: DosedGeometry.from_rotations(SINGLE_AXIS.rotation_matrices, **fields),
        lambda **fields: DosedGeometry.from_tilt_angles(range(5), **fields),
        lambda **fields: DosedGeometry.from_euler("y", range(5), **fields),
        lambda **fields: DosedGeometry.from_projection_matrices(
            SINGLE_AXIS.projection_matrices(volume_shape=(4, 4, 4), image_shape=(4, 4)),
            volume_shape=(4, 4, 4),
            image_shape=(4, 4),
            **fields,
        ),
    ],
)
def test_every_constructor_makes_the_subclass_with_its_fields(make):
    geometry = make(doses=range(5), microscope="Krios")
    assert type(geometry) is DosedGeometry
    assert geometry.doses.tolist() == [0, 1, 2, 3, 4]
    assert geometry.microscope == "Krios"


def test_equality_compares_bits_shapes_and_class():
    same = TiltGeometry(SINGLE_AXIS.rotation_matrices.copy(), shifts=SINGLE_AXIS.shifts.copy())
    assert same == SINGLE_AXIS
    assert same != SINGLE_AXIS[:2]
    assert same != SINGLE_AXIS.evolve(shifts=SINGLE_AXIS.shifts + 1e-12)
    assert DOSED.evolve(doses=[0, 1, 2, 4]) != DOSED
    assert TiltGeometry(DOSED.rotation_matrices, shifts=DOSED.shifts) != DOSED


@pytest.mark.parametrize("geometry", [SINGLE_AXIS, DOSED])
def test_a_geometry_is_unhashable(geometry):
    with pytest.raises(TypeError, match="unhashable"):
        hash(geometry)


@pytest.mark.parametrize(
    "duplicate", [lambda g: pickle.loads(pickle.dumps(g)), copy.copy, copy.deepcopy]
)
def test_copies_are_equal_and_locked(duplicate):
    for geometry in (SINGLE_AXIS, DOSED):
        again = duplicate(geometry)
        assert again == geometry
        assert type(again) is type(geometry)
        assert not again.rotation_matrices.flags.writeable
        assert not again.shifts.flags.writeable


def test_arrays_are_copied_and_locked():
    matrices, shifts = ANY_ROTATION.rotation_matrices.copy(), np.zeros((5, 2))
    geometry = TiltGeometry(matrices, shifts=shifts)
    matrices[:], shifts[:] = 0, 9
    assert np.array_equal(geometry.rotation_matrices, ANY_ROTATION.rotation_matrices)
    assert not geometry.shifts.any()
    for array in (geometry.rotation_matrices, geometry.shifts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_geometry_is_frozen():
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        SINGLE_AXIS.shifts = 0


def test_repr_describes_the_tilts_and_not_the_matrices():
    assert repr(DOSED).startswith(
        "DosedGeometry(rotation_matrices=4 tilts from -3° to 6° in steps of 3°, "
        "tilt axis at 0°, shifts=up to 4.243 Å, microscope="
    )


def test_geometries_of_several_classes_are_not_joined():
    class Other(TiltGeometry):
        pass

    parts = [TiltGeometry.from_tilt_angles([0]), Other.from_tilt_angles([1])]
    with pytest.raises(TypeError, match="must be of one class, got Other, TiltGeometry"):
        TiltGeometry.concatenate(parts)


def test_require_geometry_accepts_only_geometries():
    @attrs.frozen
    class Holder:
        geometry: TiltGeometry = attrs.field(validator=require_geometry)

    assert Holder(SINGLE_AXIS).geometry is SINGLE_AXIS
    assert Holder(DOSED).geometry is DOSED
    with pytest.raises(TypeError, match="geometry must be a TiltGeometry, got ndarray; create one"):
        Holder(SINGLE_AXIS.rotation_matrices)
