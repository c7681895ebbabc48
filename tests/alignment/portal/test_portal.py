"""The CryoET Data Portal's JSON: its importer's formulas written out, and damage."""

import json

import attrs
import numpy as np
import pytest
from random_alignments import random_alignment
from scipy.spatial.transform import Rotation

from libtilt.alignment import (
    GeometryFile,
    PortalAlignment,
    Sizes,
    detect_format,
    open_alignment,
    read_alignment_file,
    save_alignment,
)

SIZES = {"stack_shape": (4, 36, 41), "pixel_size": 2.0}


def section(view, tilt, matrix, offset, x_tilt=0.0):
    return {
        "z_index": view,
        "tilt_angle": tilt,
        "volume_x_rotation": x_tilt,
        "in_plane_rotation": matrix,
        "x_offset": offset[0],
        "y_offset": offset[1],
    }


def turn(degrees):
    """As ``ang2mat`` of cryoet-alignment."""
    a = np.radians(degrees)
    return [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]


def content(**changes):
    """A file as the portal has it, made of AreTomo's."""
    rows = [section(z, t, turn(84 + z), (3 + z, -5)) for z, t in ((0, -30.0), (1, 0.5), (3, 31.0))]
    return {
        "deposition_id": "10301",
        "alignment_type": "GLOBAL",
        "affine_transformation_matrix": np.eye(4).tolist(),
        "is_portal_standard": True,
        "format": "ARETOMO3",
        "tilt_offset": 0,
        "x_rotation_offset": 0,
        "volume_offset": {"x": 0, "y": 0, "z": 0},
        "volume_dimension": {"x": 82.0, "y": 72.0, "z": 40.0},
        "per_section_alignment_parameters": rows,
        "alignment_path": "10001/TS_1/Alignments/100/TS_1.aln",
        "tilt_path": None,
    } | changes


@pytest.fixture
def save(tmp_path):
    def written(**changes):
        path = tmp_path / "alignment_metadata.json"
        path.write_text(json.dumps(content(**changes)))
        return path

    return written


def test_points_agree_with_the_formula_written_out(save, rng):
    rows = [section(z, t, turn(80), (4, -6), x) for z, t, x in ((2, -40.0, 3), (0, 20.0, -2))]
    made = open_alignment(save(per_section_alignment_parameters=rows), **SIZES)
    assert made.views.tolist() == [2, 0]
    assert made.volume_shape == (20, 36, 41)
    points = rng.uniform(0, 40, (9, 3))
    for row, matrix in zip(rows, made.projection_matrices(), strict=True):
        turned = Rotation.from_euler("x", row["volume_x_rotation"], degrees=True)
        turned = Rotation.from_euler("y", row["tilt_angle"], degrees=True) * turned
        q = turned.apply(points - [41 // 2, 36 // 2, 20 // 2])[:, :2]
        expected = q @ np.array(row["in_plane_rotation"]).T + [4, -6] + [41 // 2, 36 // 2]
        assert np.abs(np.insert(points, 3, 1, axis=1) @ matrix.T - expected).max() < 1e-9


def from_imod(transforms, angles, x_tilts):
    """As ``Alignment.from_imod`` of cryoet-alignment: the transpose, and it times ``-d``."""
    rows = []
    for view, (a11, a12, a21, a22, dx, dy) in enumerate(transforms):
        matrix = np.array([[a11, a12], [a21, a22]]).T
        offset = (matrix @ [-dx, -dy]).tolist()
        rows.append(section(view, angles[view], matrix.tolist(), offset, x_tilts[view]))
    return content(format="IMOD", volume_dimension=None, per_section_alignment_parameters=rows)


@pytest.mark.parametrize("image", [(512, 512), (513, 510)])
def test_the_sample_of_imod_is_where_its_own_files_put_it(shared_data, tmp_path, image):
    folder = shared_data / "alignments" / "imod_etomo"
    tables = [np.loadtxt(folder / f"TS_001.{suffix}") for suffix in ("xf", "tlt", "xtilt")]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(from_imod(*tables)))
    sizes = {"stack_shape": (len(tables[1]), *image), "pixel_size": 2.0}
    sizes["volume_shape"] = (201, *image)
    with pytest.warns(UserWarning, match="excludes view 40"):
        own = open_alignment(folder / "TS_001.xf", **sizes)
    assert own.distance(open_alignment(path, **sizes)) < 1e-6


def test_stretches_of_imod_come_back(tmp_path):
    alignment = random_alignment(views=range(7), binning=1, shape=(30, 37, 40))
    stretch = np.eye(2) + np.random.default_rng(1).normal(size=(7, 2, 2)) * 0.02
    alignment = attrs.evolve(alignment, geometry=alignment.geometry.evolve(magnifications=stretch))
    file = read_alignment_file(save_alignment(alignment, tmp_path / "a.xf"))
    tables = np.loadtxt(tmp_path / "a.xf"), file.tilt_angles.tolist(), file.x_tilts.tolist()
    path = tmp_path / "a.json"
    path.write_text(json.dumps(from_imod(*tables)))
    sizes = attrs.asdict(alignment.sizes)
    assert open_alignment(tmp_path / "a.xf", **sizes).distance(open_alignment(path, **sizes)) < 1e-6


def test_the_sample_of_aretomo_is_where_its_own_file_puts_it(shared_data, tmp_path):
    """As ``Alignment.from_aretomo3`` of cryoet-alignment."""
    own = read_alignment_file(shared_data / "alignments" / "aretomo" / "test.aln")
    rows = [
        section(int(view), row[9], turn(row[1]), (row[3], row[4]))
        for view, row in zip(own.views, own.rows, strict=True)
    ]
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps(content(per_section_alignment_parameters=rows, alignment_type="LOCAL"))
    )
    width, height, count = own.raw_size
    sizes = Sizes(stack_shape=(count, height, width), pixel_size=2.0, volume_shape=(301, 80, 99))
    made = read_alignment_file(path).alignment(sizes)
    assert own.alignment(sizes).distance(made) < 1e-6
    assert made.unsupported == ("local alignment",)


def test_the_format_is_found_by_the_contents_of_the_file(save, tmp_path):
    path = save()
    assert detect_format(path) == detect_format(tmp_path) == "portal"
    random_alignment().geometry.to_json(tmp_path / "own.json")
    assert detect_format(tmp_path / "own.json") == "json"
    assert isinstance(read_alignment_file(tmp_path / "own.json"), GeometryFile)
    with pytest.raises(ValueError, match="does not hold a geometry"):
        read_alignment_file(path, format="json")


def test_assumptions_are_noted(save):
    made = open_alignment(save(tilt_offset=-0.3, x_rotation_offset=-2.3), **SIZES)
    text = " ".join(made.notes)
    assert "x_offset and y_offset are read as pixels" in text
    assert "ignoring tilt_offset = -0.3" in text
    assert np.allclose(made.geometry.shifts[0], [6, -10])
    angstroms = open_alignment(save(), **SIZES, offset_unit="angstrom")
    assert np.allclose(angstroms.geometry.shifts[0], [3, -5])
    with pytest.warns(UserWarning, match="names no source program; .* half a pixel off"):
        open_alignment(save(format=None, alignment_path=None), **SIZES)


def test_path_names_the_program_without_a_format(save):
    path = save(format=None, alignment_path="100/TS_1.xf")
    assert PortalAlignment.read(path).source == "IMOD"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "IMOD", "tilt_offset": 1.5}, "tilt_offset is 1.5, but its meaning"),
        ({"format": "IMOD", "x_rotation_offset": -2}, "x_rotation_offset is -2, but its meaning"),
        ({"volume_offset": {"x": -1, "y": 2, "z": -3}}, "volume_offset is .* is not documented"),
        ({"affine_transformation_matrix": [[2]]}, "affine_transformation_matrix is"),
    ],
)
def test_ambiguous_fields_are_refused_by_name_unless_ignored(save, changes, message):
    path = save(**changes)
    with pytest.raises(ValueError, match=rf"alignment_metadata\.json: {message}"):
        open_alignment(path, **SIZES)
    ignored = next(key for key in changes if key != "format")
    assert open_alignment(path, **SIZES, ignore=(ignored,)).notes
    with pytest.raises(ValueError, match="ignore must be one of"):
        open_alignment(path, **SIZES, ignore=("tilt_angle",))


ROW = section(0, 1.0, turn(3), (0, 0))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], r"expected a list of sections in per_section_alignment_parameters, got \[\]"),
        ([3], r"\[0\]: expected an object, got 3"),
        ([ROW | {"tilt_angle": None}], r"\[0\], tilt_angle: expected a number, got None"),
        ([ROW | {"tilt_angle": 190}], r"\[0\], tilt_angle: expected a tilt angle from -180"),
        ([ROW | {"z_index": -1}], r"\[0\], z_index: expected an integer from 0, got -1"),
        ([ROW | {"z_index": 0.5}], r"\[0\], z_index: expected an integer from 0, got 0\.5"),
        ([ROW, ROW], r"\[1\]: z_index 0 is already at \[0\]"),
        ([ROW | {"in_plane_rotation": [1, 0, 0, 1]}], r"in_plane_rotation: expected two rows"),
        ([ROW | {"in_plane_rotation": 85.0}], r"in_plane_rotation: expected two rows"),
        ([ROW | {"in_plane_rotation": [[1, 0], [0, -1]]}], "expected a rotation, got"),
        (
            [ROW | {"in_plane_rotation": [[1.1, 0], [0, 1]]}],
            "which also stretches; .* documented for IMOD only",
        ),
        ([{k: v for k, v in ROW.items() if k != "x_offset"}], r"x_offset: .* is missing"),
        (
            [ROW | {"z_index": 10**7}],
            "is for 10000001 images, but a tilt series has at most 100000",
        ),
    ],
)
def test_invalid_sections_are_named(save, row, message):
    with pytest.raises(ValueError, match=rf"alignment_metadata\.json.*{message}"):
        open_alignment(
            save(per_section_alignment_parameters=row), stack_shape=(1, 9, 9), pixel_size=1
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[1]", r"expected a JSON object, \{\.\.\.\}, got \[1\]"),
        ('{"a": 1}', "is not an alignment: expected a libtilt geometry"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ('{"a": 1e999}', "1e999 is too large a number"),
        ('{"a": ' + "9" * 5000 + "}", "too large an integer"),
        ('{"a": 1, "a": 2}', "the key 'a' appears twice"),
        ("[" * 100_000, "nested too deep"),
        ('{"a": "\0"}', "holds null bytes"),
        ('{"format": "libtilt geometry"}', "has version None"),
    ],
)
def test_other_json_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"a\.json.*{message}"):
        open_alignment(path, **SIZES)


def test_written_alignments_come_back(tmp_path):
    alignment = random_alignment(x_tilts=[1.0, -2, 0.5, 3, 0])
    path = save_alignment(alignment, tmp_path / "a.json", format="portal")
    again = open_alignment(path, stack_shape=(7, 37, 40), pixel_size=1.37, voxel_size=2.74)
    assert again.volume_shape == (21, 18, 20)
    assert alignment.distance(again) < 1e-9
    file = read_alignment_file(path)
    file = attrs.evolve(file, content=file.content | {"deposition_id": "7"})
    like = save_alignment(alignment, tmp_path / "b.json", format="portal", like=file)
    assert json.loads(like.read_text())["deposition_id"] == "7"


def test_a_thousand_mutations_are_read_or_refused_by_name(tmp_path):
    rng = np.random.default_rng(6)
    own = tmp_path / "own.json"
    random_alignment(views=range(4)).geometry.to_json(own)
    sources = [json.dumps(content()).encode(), own.read_bytes()]
    pieces = [b"", b"NaN", b"1e999", b"[", b"{", b"null", b'"', b"\0", b"\xff", b"-", b"true"]
    pieces += [b"9" * 400, b'"x":', b",", b"}", b"[[]]", b"1e300", b"0"]
    for number in range(1000):
        path = tmp_path / f"{number % 7}.json"
        text = sources[number % 2]
        for _ in range(rng.integers(1, 3)):
            place, length = rng.integers(0, len(text) + 1), rng.integers(0, 12)
            text = text[:place] + pieces[rng.integers(len(pieces))] + text[place + length :]
        path.write_bytes(text)
        message = str(path)
        try:
            read_alignment_file(path).alignment(Sizes(**SIZES))
        except ValueError as error:
            message = str(error)
        assert str(path) in message


def test_new_files_have_no_offsets_beside_those_of_their_images():
    made = PortalAlignment.from_alignment(random_alignment())
    assert (made.content["tilt_offset"], made.content["x_rotation_offset"]) == (0, 0)
    assert set(made.content["volume_offset"].values()) == {0}
    assert np.array_equal(made.content["affine_transformation_matrix"], np.eye(4))
    assert made.content["is_portal_standard"] is False
