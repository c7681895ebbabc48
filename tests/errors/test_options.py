import attrs
import pytest

from libtilt.errors.checks import positive_integer
from libtilt.errors.options import checked, option, resolve


@attrs.frozen(kw_only=True)
class Descent:
    iterations: int = attrs.field(
        default=3, validator=checked(positive_integer), metadata=option("iterations", int)
    )


def test_a_checked_field_is_named_in_the_error():
    assert Descent().iterations == 3
    with pytest.raises(ValueError, match="iterations must be a positive integer, got 0"):
        Descent(iterations=0)


def test_option_metadata_has_the_help_text_and_the_type():
    shown = attrs.fields(Descent).iterations.metadata["option"]
    assert (shown.help, shown.kind, shown.count, shown.flag) == ("iterations", int, 1, None)


@pytest.mark.parametrize("value", ["descent", Descent, Descent()])
def test_a_name_a_class_and_an_instance_resolve_to_an_instance(value):
    assert resolve(value, {"descent": Descent}, Descent, "method") == Descent()


def test_unknown_names_and_other_objects_are_refused():
    with pytest.raises(ValueError, match="method 'x' is not known: choose from 'descent'"):
        resolve("x", {"descent": Descent}, Descent, "method")
    with pytest.raises(TypeError, match="method must be a name, a Descent class or a Descent"):
        resolve(3, {"descent": Descent}, Descent, "method")
