"""Alignments between formats: what they are split into, what is found, what is kept."""

import attrs
import numpy as np
import pytest
from helpers import defined_in, options_without_names, quick
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import libtilt.alignment
from libtilt import TiltGeometry
from libtilt.alignment import (
    Alignment,
    AlignmentFile,
    AnglesFile,
    AreTomoAlignment,
    ImodAlignment,
    RelionAlignment,
    Sizes,
    WarpAlignment,
    detect_format,
    open_alignment,
    read_alignment_file,
    save_alignment,
)
from libtilt.alignment.matrices import geometry_from_matrices, magnified

# The suffix that each format is written with.
# Random alignments leave images out without saying anything of them.
pytestmark = pytest.mark.filterwarnings("ignore:.* left out got tilt angles between their neigh")

PATHS = {"imod": "a.xf", "aretomo": "a.aln", "relion": "a.star", "warp": "a.xml"}
KINDS = {
    "imod": ImodAlignment,
    "aretomo": AreTomoAlignment,
    "relion": RelionAlignment,
    "warp": WarpAlignment,
}


def random_alignment(seed=0, views=(0, 1, 3, 4, 6), x_tilts=0.0, binning=2, shape=(21, 18, 20)):
    rng = np.random.default_rng(seed)
    geometry = TiltGeometry.from_tilt_angles(
        rng.uniform(-70, 70, len(views)),
        tilt_axis_angle=rng.normal(85, 1, len(views)),
        x_tilts=x_tilts,
        shifts=rng.normal(size=(len(views), 2)) * 15,
    )
    return Alignment(
        geometry,
        views=views,
        stack_shape=(7, 37, 40),
        pixel_size=1.37,
        volume_shape=shape,
        voxel_size=1.37 * binning,
    )


def everything(seed=0):
    """With all that the richest formats hold."""
    plain = random_alignment(seed, x_tilts=[1.0, -2, 0.5, 3, 0])
    stretch = np.eye(2) + np.random.default_rng(seed).normal(size=(5, 2, 2)) * 0.02
    return attrs.evolve(plain, geometry=plain.geometry.evolve(magnifications=stretch))


@quick
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9))
def test_any_matrices_are_split_and_put_together_again(seed, height, width):
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(4, random_state=seed).as_matrix()[:, :2]
    matrices = np.concatenate([rotation, rng.normal(size=(4, 2, 1)) * 50], axis=2)
    matrices[:, :, :3] = (np.eye(2) + rng.normal(size=(4, 2, 2)) * 0.1) @ matrices[:, :, :3]
    sizes = {"volume_shape": (5, height, width), "image_shape": (width, height)}
    geometry = geometry_from_matrices(matrices, voxel_size=3.0, pixel_size=1.5, **sizes)
    again = geometry.projection_matrices(voxel_size=3.0, pixel_size=1.5, **sizes)[:, :2]
    assert np.abs(again - matrices).max() < 1e-11
    m = geometry.magnifications
    assert np.abs(m - m.transpose(0, 2, 1)).max() < 1e-12


def test_a_plain_rotation_has_no_magnification():
    matrices = Rotation.random(5, random_state=2).as_matrix()[:, :2]
    matrices = np.concatenate([matrices, np.zeros((5, 2, 1))], axis=2)
    sizes = {"volume_shape": (5, 6, 7), "image_shape": (6, 7)}
    geometry = geometry_from_matrices(matrices, voxel_size=2.0, pixel_size=2.0, **sizes)
    assert not magnified(geometry)
    matrices[3, 1] = 0.0
    with pytest.raises(ValueError, match="matrix of tilt 3 flattens the specimen to a line"):
        geometry_from_matrices(matrices, voxel_size=2.0, pixel_size=2.0, **sizes)


@pytest.mark.parametrize("scale", [0.5, 1, 2, 3])
def test_rotations_are_plain_whatever_their_bits_and_whole_scales_are_kept(scale):
    rotations = Rotation.random(99, random_state=5).as_matrix()[:, :2]
    matrices = np.concatenate([scale * rotations, np.zeros((99, 2, 1))], axis=2)
    sizes = {"volume_shape": (5, 6, 7), "image_shape": (6, 7)}
    geometry = geometry_from_matrices(matrices, voxel_size=2.0, pixel_size=2.0, **sizes)
    assert magnified(geometry) == (scale != 1)
    assert np.allclose(geometry.magnifications, scale * np.eye(2), atol=1e-12)


@pytest.mark.parametrize("first", PATHS)
@pytest.mark.parametrize("second", PATHS)
@pytest.mark.parametrize(("binning", "shape"), [(1, (30, 37, 40)), (2, (21, 18, 20))])
def test_every_pair_of_formats_keeps_the_projected_points(tmp_path, first, second, binning, shape):
    alignment = random_alignment(3, binning=binning, shape=shape)
    for step, name in enumerate((first, second)):
        folder = tmp_path / str(step)
        folder.mkdir()
        path = save_alignment(alignment, folder / PATHS[name])
        again = open_alignment(path, **attrs.asdict(alignment.sizes))
        assert again.views.tolist() == alignment.views.tolist()
        assert alignment.distance(again) < 1e-4
        alignment = again
    assert random_alignment(3, binning=binning, shape=shape).distance(alignment) < 1e-3


@pytest.mark.parametrize("name", PATHS)
def test_a_format_read_and_written_like_itself_is_the_same(tmp_path, name):
    path = save_alignment(random_alignment(5), tmp_path / PATHS[name])
    sizes = random_alignment().sizes
    file = read_alignment_file(path)
    (tmp_path / "again").mkdir()
    again = save_alignment(
        file.alignment(sizes), tmp_path / "again" / PATHS[name], like=file, tolerance=1e-6
    )
    geometries = [
        read_alignment_file(p).alignment(sizes).geometry for p in (path, again)
    ]  # fmt: skip
    for what in ("tilt_angles", "tilt_axis_angles", "x_tilts", "shifts"):
        assert np.abs(getattr(geometries[0], what) - getattr(geometries[1], what)).max() < 1e-6


@pytest.mark.parametrize("name", [*PATHS.values(), "a.tlt", "a.json", "a.mdoc"])
def test_no_format_replaces_a_file_unless_it_is_told_to(tmp_path, name):
    nominal = TiltGeometry.from_tilt_angles(np.linspace(-30, 30, 7))
    alignment = attrs.evolve(random_alignment(views=range(7)), geometry=nominal)
    path = save_alignment(alignment, tmp_path / name)
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    file = read_alignment_file(path)
    with pytest.raises(FileExistsError):
        file.write(path)
    with pytest.raises(FileExistsError):
        save_alignment(alignment, path)
    assert path.read_bytes() == content + b"\n"
    assert save_alignment(alignment, path, overwrite=True).read_bytes() == content


@pytest.mark.parametrize("name", PATHS)
def test_views_may_stand_in_any_order(tmp_path, name):
    """AreTomo sorts by angle, and RELION names images: some formats write them in their order."""
    alignment = random_alignment(2, views=[3, 0, 6, 1, 5, 2, 4])
    path = save_alignment(alignment, tmp_path / PATHS[name])
    again = open_alignment(path, **attrs.asdict(alignment.sizes))
    assert sorted(again.views) == list(range(7))
    assert alignment.distance(again) < 1e-4
    swapped = attrs.evolve(alignment, views=[0, 3, 6, 1, 5, 2, 4])
    assert swapped.distance(again) > 1


def test_a_list_of_angles_is_written_in_the_order_of_the_stack(tmp_path):
    geometry = TiltGeometry.from_tilt_angles([0.0, 30, -30])
    alignment = attrs.evolve(
        random_alignment(views=[2, 0, 1]), geometry=geometry, stack_shape=(3, 37, 40)
    )
    path = save_alignment(alignment, tmp_path / "a.tlt")
    assert np.allclose(np.loadtxt(path), [30, -30, 0])


@pytest.mark.parametrize("name", ["a.xf", "a.xml", "a.mdoc"])
def test_like_must_be_of_the_same_stack(tmp_path, name):
    nominal = TiltGeometry.from_tilt_angles(np.linspace(-30, 30, 5))
    small = attrs.evolve(
        random_alignment(views=range(5)), geometry=nominal, stack_shape=(5, 37, 40)
    )
    like = read_alignment_file(save_alignment(small, tmp_path / name))
    with pytest.raises(ValueError, match="like is of a stack with 5 images, the stack has 7"):
        save_alignment(random_alignment(views=range(7)), tmp_path / f"b{name[1:]}", like=like)


@pytest.mark.parametrize("name", ["aretomo", "relion"])
def test_like_must_have_the_same_views(tmp_path, name):
    like = read_alignment_file(save_alignment(random_alignment(), tmp_path / PATHS[name]))
    other = random_alignment(views=[0, 1, 2, 4, 6])
    with pytest.raises(
        ValueError, match=r"like must have the same images .* got \[0, 1, 3, 4, 6\]"
    ):
        save_alignment(other, tmp_path / f"b{PATHS[name][1:]}", like=like)


@pytest.mark.parametrize("name", ["imod", "relion"])
def test_the_richest_formats_hold_everything(tmp_path, name):
    alignment = everything()
    path = save_alignment(alignment, tmp_path / PATHS[name])
    assert alignment.distance(open_alignment(path, **attrs.asdict(alignment.sizes))) < 1e-4


@pytest.mark.parametrize("name", ["aretomo", "warp"])
def test_what_a_format_cannot_hold_is_said_and_nothing_is_written(tmp_path, name):
    path = tmp_path / PATHS[name]
    message = (
        r"cannot hold this alignment: .* pixels; it has a tilt axis up to .* degrees from y, "
        "x-tilts up to 3 degrees, magnifications up to"
    )
    with pytest.raises(ValueError, match=message):
        save_alignment(everything(), path)
    assert not path.exists()
    assert save_alignment(everything(), path, tolerance=100.0).exists()


@pytest.mark.parametrize("name", PATHS)
def test_the_format_is_found_by_the_file_or_the_folder(tmp_path, name):
    path = save_alignment(random_alignment(), tmp_path / PATHS[name])
    (tmp_path / "a.rawtlt").write_text("0\n" * 7)
    assert detect_format(path) == detect_format(tmp_path) == name
    sizes = attrs.asdict(random_alignment().sizes)
    assert open_alignment(tmp_path, **sizes).distance(open_alignment(path, **sizes)) == 0
    assert isinstance(read_alignment_file(path, format=name), KINDS[name])


def test_a_folder_of_nominal_angles_is_one_too(tmp_path):
    (tmp_path / "a.rawtlt").write_text("0\n3\n")
    assert detect_format(tmp_path) == "angles"
    (tmp_path / "a.tlt").write_text("0.1\n3.1\n")
    assert read_alignment_file(tmp_path).tilt_angles.tolist() == [0.1, 3.1]
    (tmp_path / "b.tlt").write_text("0\n3\n")
    with pytest.raises(ValueError, match=r"several alignments: a\.tlt \(angles\), b\.tlt"):
        detect_format(tmp_path)


def test_the_json_of_a_saved_series_does_not_stand_in_the_way(tmp_path):
    random_alignment().geometry.to_json(tmp_path / "a.json")
    assert detect_format(tmp_path) == "json"
    save_alignment(random_alignment(), tmp_path / "a.aln")
    assert detect_format(tmp_path) == "aretomo"


def test_samples_are_found(shared_data):
    folder = shared_data / "alignments"
    assert detect_format(folder / "aretomo") == "aretomo"
    for name in ("imod_bb", "imod_etomo", "imod_portal"):
        assert detect_format(folder / name) == "imod"


def test_what_is_not_known_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no alignment: expected tilt\.com"):
        detect_format(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        detect_format(tmp_path / "none.xf")
    (tmp_path / "a.txt").write_text("0\n")
    with pytest.raises(
        ValueError, match=r"a\.txt: the format is not known .* expected one of \.com"
    ):
        open_alignment(tmp_path / "a.txt")
    assert isinstance(read_alignment_file(tmp_path / "a.txt", format="angles"), AnglesFile)
    with pytest.raises(ValueError, match="format must be one of 'imod'"):
        read_alignment_file(tmp_path / "a.txt", format="protomo")
    with pytest.raises(TypeError, match="angles files are not read with aligned"):
        read_alignment_file(tmp_path / "a.txt", format="angles", aligned=True)
    for name in ("aretomo", "warp"):
        save_alignment(random_alignment(), tmp_path / PATHS[name])
    with pytest.raises(
        ValueError, match=r"several alignments: a\.aln \(aretomo\), a\.xml \(warp\)"
    ):
        detect_format(tmp_path)


def test_like_must_be_of_the_same_format(tmp_path):
    with pytest.raises(TypeError, match="like must be of format aretomo, got AnglesFile"):
        save_alignment(random_alignment(), tmp_path / "a.aln", like=AnglesFile([0]))


def test_formats_of_all_images_refuse_what_leaves_some_out(tmp_path):
    for name in ("a.tlt", "a.json"):
        with pytest.raises(ValueError, match="holds every image of the stack, and 2 of 7"):
            save_alignment(random_alignment(), tmp_path / name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"views": [0, 1]}, r"views must have one entry per tilt: expected 5, got 2"),
        ({"views": [0, 1, 2, 3, 3]}, "views must differ"),
        ({"views": [0, 1, 2, 3, 7]}, "views must lie in 0 to 6 for a stack of 7 images"),
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


def test_imod_needs_a_whole_binning(tmp_path):
    alignment = attrs.evolve(random_alignment(), voxel_size=2.0)
    with pytest.raises(ValueError, match="voxel_size must be 1 times pixel_size for IMOD"):
        save_alignment(alignment, tmp_path / "a.xf")


def test_sizes_are_asked_for_by_name():
    message = r"a\.xf does not say the volume_shape: give volume_shape=\(d, h, w\) \(--volume-shape"
    with pytest.raises(ValueError, match=message):
        Sizes().need("volume_shape", "a.xf")
    assert Sizes().image_shape is None


@pytest.mark.parametrize("name", libtilt.alignment.__all__)
def test_what_a_public_class_may_do_without_is_given_by_name(name):
    kind = getattr(libtilt.alignment, name)
    fields = attrs.fields(kind) if isinstance(kind, type) and attrs.has(kind) else ()
    by_place = {one.name for one in fields if not one.kw_only and one.default is not attrs.NOTHING}
    assert by_place <= ({"geometry"} if name == "ExcludedTilts" else {"_sections"})


def test_what_holds_arrays_is_equal_to_itself_alone():
    """Arrays have no one answer to whether they are equal."""
    kinds = [
        one for one in defined_in(libtilt.alignment) if isinstance(one, type) and attrs.has(one)
    ]
    holding = [kind for kind in kinds if "rray" in str([one.type for one in attrs.fields(kind)])]
    assert len(holding) > 5
    assert [kind for kind in holding if kind.__eq__ is not object.__eq__] == []


PARTS = {"read", "write", "from_alignment", "_alignment", "_image_count", "_used_count"}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_format_that_lacks_a_part_is_not_made(name):
    parts = {part: lambda self: None for part in PARTS - {name}}
    with pytest.raises(TypeError, match=f"abstract.*{name}"):
        type("Format", (AlignmentFile,), parts)()


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


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_what_shrinks_or_stretches_an_image_is_a_magnification(factor):
    plain = TiltGeometry.from_tilt_angles([0, 3])
    assert not magnified(plain)
    assert magnified(plain.evolve(magnifications=np.tile(factor * np.eye(2), (2, 1, 1))))
