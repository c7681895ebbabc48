import json
import re

import numpy as np
import pytest
from helpers import ANY_ROTATION, DosedGeometry, geometries, quick
from hypothesis import given

from libtilt import TiltGeometry
from libtilt.errors import LibtiltWarning


@quick
@given(geometries())
def test_json_keeps_every_bit(geometry):
    again = TiltGeometry.from_json(geometry.to_json())
    assert again.rotation_matrices.tobytes() == geometry.rotation_matrices.tobytes()
    assert again.shifts.tobytes() == geometry.shifts.tobytes()


@pytest.mark.parametrize("as_path", [str, lambda path: path])
def test_to_json_writes_the_returned_text(tmp_path, as_path):
    path = as_path(tmp_path / "geometry.json")
    text = ANY_ROTATION.to_json(path)
    assert (tmp_path / "geometry.json").read_text() == text
    assert TiltGeometry.from_json(path) == ANY_ROTATION


def test_an_existing_file_is_kept_unless_overwrite_is_given(tmp_path):
    path = tmp_path / "geometry.json"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match=r"geometry\.json already exists.*overwrite=True"):
        ANY_ROTATION.to_json(path)
    assert path.read_text() == "precious"
    ANY_ROTATION.to_json(path, overwrite=True)
    assert TiltGeometry.from_json(path) == ANY_ROTATION


def test_a_subclass_keeps_its_fields():
    geometry = DosedGeometry.from_tilt_angles([0, 3], doses=[0.1, 0.2], microscope="Krios")
    assert DosedGeometry.from_json(geometry.to_json()) == geometry


def test_the_file_names_its_format_and_version():
    content = json.loads(ANY_ROTATION.to_json())
    assert content["format"] == "libtilt geometry"
    assert content["version"] == 1
    assert np.shape(content["rotation_matrices"]) == (5, 3, 3)


def edited(**changes):
    content = json.loads(ANY_ROTATION.to_json()) | changes
    return json.dumps({key: value for key, value in content.items() if value is not None})


MIRROR = np.diag([1, 1, -1])[None].tolist()
PLAIN = {"magnifications": np.eye(2).tolist()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{1, 2}", "is not JSON: Expecting property name"),
        ("{}", 'does not hold a geometry: expected "format": "libtilt geometry"'),
        (edited(format="other"), "does not hold a geometry"),
        (edited(version=2), "has version 2; this libtilt reads version 1"),
        (edited(version=None), "has version None"),
        (edited(rotation_matrices=None), "lacks rotation_matrices"),
        (edited(shifts=None, shfits=0), "lacks shifts, and has shfits, .*names in the file are"),
    ],
)
def test_text_that_is_not_the_json_of_a_geometry_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=f"JSON text {message}"):
        TiltGeometry.from_json(text)
    path = tmp_path / "geometry.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))} {message}"):
        TiltGeometry.from_json(path)


@pytest.mark.parametrize("content", [b"[1, 2]", b'"text"', b"not JSON", b"\xff\xfe\x00", b""])
def test_other_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"other\.json (is not JSON|does not hold a geometry)"):
        TiltGeometry.from_json(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"rotation_matrices": MIRROR, "shifts": 0, "magnifications": np.eye(2).tolist()},
            r"rotation_matrices\[0\] .* determinant",
        ),
        ({"shifts": [[1, 2]]}, r"one row per tilt: expected \(5, 2\), got \(1, 2\)"),
        ({"shifts": "left"}, "shifts must be numbers"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_the_name_of_the_file(tmp_path, changes, message):
    path = tmp_path / "geometry.json"
    path.write_text(edited(**changes))
    with pytest.raises(ValueError, match=rf"geometry\.json does not hold a valid .*{message}"):
        TiltGeometry.from_json(path)


def test_a_missing_field_of_a_subclass_is_named():
    with pytest.raises(ValueError, match="JSON text does not hold doses, required by Dosed"):
        DosedGeometry.from_json(ANY_ROTATION.to_json())


def test_fields_that_a_class_lacks_are_named_and_left_out(tmp_path):
    path = tmp_path / "geometry.json"
    path.write_text(edited(doses=[1], b=2))
    for source, name in ((path, r"geometry\.json"), (path.read_text(), "JSON text")):
        message = f"{name} also has b, doses, which TiltGeometry has no field for"
        with pytest.warns(LibtiltWarning, match=message) as record:
            assert TiltGeometry.from_json(source) == ANY_ROTATION
        assert [one.filename for one in record] == [__file__]


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"absent\.json"):
        TiltGeometry.from_json("absent.json")
