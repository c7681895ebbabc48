"""Alignments between formats: what is found, what is kept, what is refused."""

import inspect

import attrs
import numpy as np
import pytest
from random_alignments import everything, random_alignment

from libtilt import TiltGeometry
from libtilt.alignment import (
    AnglesFile,
    AreTomoAlignment,
    ImodAlignment,
    RelionAlignment,
    WarpAlignment,
    detect_format,
    open_alignment,
    read_alignment_file,
    save_alignment,
)
from libtilt.alignment.base import MatrixFile
from libtilt.alignment.opening import FORMATS
from libtilt.cli.convert import convert
from libtilt.cli.reader_options import READER_OPTIONS
from libtilt.errors import ArgumentError, LibtiltWarning

# Random alignments leave images out without saying anything of them.
pytestmark = pytest.mark.filterwarnings("ignore:tilt angles of excluded images are unknown")

# The suffix that each format is written with.
PATHS = {"imod": "a.xf", "aretomo": "a.aln", "relion": "a.star", "warp": "a.xml"}
KINDS = {
    "imod": ImodAlignment,
    "aretomo": AreTomoAlignment,
    "relion": RelionAlignment,
    "warp": WarpAlignment,
}


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
def test_existing_files_are_replaced_only_with_overwrite(tmp_path, name):
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
    with pytest.raises(
        ValueError, match=r"like (is for a stack of|has sections for) 5 images, but the stack"
    ):
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
def test_losses_of_a_format_are_named_and_nothing_is_written(tmp_path, name):
    path = tmp_path / PATHS[name]
    message = (
        rf"^{name} files cannot hold the x-tilts \(differences up to .* degrees, .* pixels\) and "
        r"the magnifications \(differences up to [\d.]+, [\d.]+ pixels\): corners of the tomogram "
        r"would move by .* pixels; .* tolerance=\.\.\. \(now 0\.1 pixels\)$"
    )
    with pytest.raises(ValueError, match=message):
        save_alignment(everything(), path)
    assert not path.exists()
    with pytest.warns(LibtiltWarning, match="corners of the tomogram move by"):
        assert save_alignment(everything(), path, tolerance=100.0).exists()


def test_a_loss_of_a_fraction_of_a_pixel_is_written_with_a_warning_that_names_it(tmp_path):
    alignment = random_alignment(3)
    g = alignment.geometry
    tilted = TiltGeometry.from_tilt_angles(
        g.tilt_angles, tilt_axis_angle=g.tilt_axis_angles, x_tilts=0.05, shifts=g.shifts
    )
    alignment = attrs.evolve(alignment, geometry=tilted)
    with pytest.warns(LibtiltWarning) as caught:
        save_alignment(alignment, tmp_path / "a.aln")
    (text,) = [str(one.message) for one in caught if "excluded" not in str(one.message)]
    again = open_alignment(tmp_path / "a.aln", **attrs.asdict(alignment.sizes))
    moved = f"{alignment.distance(again):.3g} pixels"
    assert 0.01 < alignment.distance(again) < 0.1
    assert text == (
        f"aretomo files cannot hold the x-tilts (differences up to 0.05 degrees, {moved}): "
        f"corners of the tomogram move by {moved}"
    )
    with pytest.raises(ArgumentError, match=r"cannot hold the x-tilts .*now 0\.01 pixels"):
        save_alignment(alignment, tmp_path / "b.aln", tolerance=0.01)


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


def test_json_of_a_saved_series_does_not_hide_an_alignment(tmp_path):
    random_alignment().geometry.to_json(tmp_path / "a.json")
    assert detect_format(tmp_path) == "json"
    save_alignment(random_alignment(), tmp_path / "a.aln")
    assert detect_format(tmp_path) == "aretomo"


def test_samples_are_found(shared_data):
    folder = shared_data / "alignments"
    assert detect_format(folder / "aretomo") == "aretomo"
    for name in ("imod_bb", "imod_etomo", "imod_portal"):
        assert detect_format(folder / name) == "imod"


def test_unknown_formats_and_options_are_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no alignment: expected tilt\.com"):
        detect_format(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        detect_format(tmp_path / "none.xf")
    (tmp_path / "a.txt").write_text("0\n")
    with pytest.raises(
        ValueError, match=r"a\.txt: the suffix does not determine .* expected one of \.com"
    ):
        open_alignment(tmp_path / "a.txt")
    assert isinstance(read_alignment_file(tmp_path / "a.txt", format="angles"), AnglesFile)
    with pytest.raises(ValueError, match="format must be one of 'imod'"):
        read_alignment_file(tmp_path / "a.txt", format="protomo")
    with pytest.raises(TypeError, match="unknown option aligned: angles files have no options"):
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


def test_formats_of_all_images_refuse_alignments_of_some(tmp_path):
    for name in ("a.tlt", "a.json"):
        with pytest.raises(ValueError, match="must hold every image of the stack, but 2 of 7"):
            save_alignment(random_alignment(), tmp_path / name)


def test_imod_needs_a_whole_binning(tmp_path):
    alignment = attrs.evolve(random_alignment(), voxel_size=2.0)
    with pytest.raises(ValueError, match="voxel_size must be 1 times pixel_size for IMOD"):
        save_alignment(alignment, tmp_path / "a.xf")


PARTS = {"_parse", "_texts", "_matrices", "_from_alignment", "views"}


@pytest.mark.parametrize("name", sorted(PARTS))
def test_format_without_a_required_method_is_abstract(name):
    parts = {part: lambda self: None for part in PARTS - {name}}
    with pytest.raises(TypeError, match=f"abstract.*{name}"):
        type("Format", (MatrixFile,), parts)()


@pytest.mark.parametrize("kind", FORMATS.values(), ids=list(FORMATS))
def test_every_option_of_a_reader_is_one_of_the_command_line(kind):
    parameters = inspect.signature(kind._parse).parameters.values()
    options = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    assert options <= set(READER_OPTIONS)
    assert options <= {option.name for option in convert.params}


def test_geometries_angles_and_alignments_are_opened_as_files_are():
    geometry = TiltGeometry.from_tilt_angles([-3, 0, 3], tilt_axis_angle=85)
    sizes = {"stack_shape": (3, 8, 9), "pixel_size": 2.0}
    opened = open_alignment(geometry, **sizes)
    assert opened.geometry == geometry
    assert opened.volume_shape == (9, 8, 9)
    of_angles = open_alignment([-3, 0, 3], **sizes, tilt_axis_angle=85)
    assert of_angles.geometry.tilt_axis_angles.round(9).tolist() == [85, 85, 85]
    assert open_alignment(opened) is opened
    with pytest.raises(ArgumentError, match="sizes must not be passed with an Alignment"):
        open_alignment(opened, pixel_size=2.0)
    with pytest.raises(TypeError, match="reader options require a path"):
        open_alignment(geometry, **sizes, aligned=True)
