"""Signatures of attrs classes as they are called, and links to the types of other projects."""

import builtins
import re
import sys

from docutils import nodes
from numpy.typing import ArrayLike, DTypeLike
from sphinx.addnodes import pending_xref
from sphinx.util.typing import stringify_annotation

# Where the reference of each package has its names, by their beginning; no inventory is downloaded.
NUMPY = "https://numpy.org/doc/stable/reference/"
SCIPY = "https://docs.scipy.org/doc/scipy/reference/"
SCALARS = ("bool", "float32", "float64", "int64", "uint8")
EXTERNAL = {
    **{f"numpy.{name}": f"{NUMPY}arrays.scalars.html#{{0}}" for name in SCALARS},
    "numpy.typing.": NUMPY + "typing.html#{0}",
    "numpy.": NUMPY + "generated/{0}.html",
    "scipy.ndimage": SCIPY + "ndimage.html",
    "scipy.": SCIPY + "generated/{0}.html",
    "xarray.": "https://docs.xarray.dev/en/stable/generated/{0}.html",
    "matplotlib.": "https://matplotlib.org/stable/api/_as_gen/{0}.html",
}
STANDARD_LIBRARY = "https://docs.python.org/3/library/{0}.html#{1}"
# Names that modules import for type checkers alone, and where SciPy documents its own.
SHORT = {
    "ArrayLike": "numpy.typing.ArrayLike",
    "Axes": "matplotlib.axes.Axes",
    "DTypeLike": "numpy.typing.DTypeLike",
    "DataArray": "xarray.DataArray",
    "LinearOperator": "scipy.sparse.linalg.LinearOperator",
    "NDArray": "numpy.typing.NDArray",
    "Path": "pathlib.Path",
    "Rotation": "scipy.spatial.transform.Rotation",
    "ndarray": "numpy.ndarray",
    "scipy.sparse.linalg._interface.LinearOperator": "scipy.sparse.linalg.LinearOperator",
}

# What annotations of arrays are to Python, and the names under which NumPy documents them.
ALIASES = {
    stringify_annotation(kind, "smart"): f"~numpy.typing.{name}"
    for name, kind in {"ArrayLike": ArrayLike, "DTypeLike": DTypeLike}.items()
}
ARRAY = re.compile(r"~numpy\.ndarray\[tuple\[~typing\.Any, \.\.\.\], ~numpy\.dtype\[([^]]*)\]\]")


def link_elsewhere(app, env, node, contnode):
    """Link a name of another package, by where that has its reference."""
    name = node.get("reftarget", "")
    name = SHORT.get(name, name)
    address = next((url for prefix, url in EXTERNAL.items() if name.startswith(prefix)), None)
    module = name.rpartition(".")[0]
    if address is None and module.partition(".")[0] in sys.stdlib_module_names:
        address = STANDARD_LIBRARY.format(module, name)
    if address is None:
        return None
    return nodes.reference("", "", contnode, refuri=address.format(name), internal=False)


def shorten(app, what, name, obj, options, signature, returned):
    """Name the types of arrays as NumPy does; a default that is made at each call is `...`."""
    return shorten_text(signature), shorten_text(returned)


def shorten_text(text):
    for long, short in ALIASES.items():
        text = text and text.replace(long, short)
    return text and ARRAY.sub(r"~numpy.typing.NDArray[\1]", text).replace("NOTHING", "...")


def mend_types(app, doctree):
    """Keep `range` from linking to a property of that name, and leave out empty lists of bases."""
    for node in doctree.findall(pending_xref):
        if hasattr(builtins, node["reftarget"]):
            node.attributes.pop("refspecific", None)
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if paragraph.astext() == "Bases:":
            paragraph.parent.remove(paragraph)


def leave_out_internal_bases(app, name, obj, options, bases):
    """Keep bases of other packages, and those that are public in their subpackage."""
    bases[:] = [base for base in bases if base is not object and is_public(base)]


def is_public(base):
    """Whether a class can be imported from its subpackage."""
    room = sys.modules[".".join(getattr(base, "__module__", "builtins").split(".")[:2])]
    return not room.__name__.startswith("libtilt.") or hasattr(room, base.__name__)


def setup(app):
    app.connect("missing-reference", link_elsewhere)
    app.connect("autodoc-process-signature", shorten)
    app.connect("doctree-read", mend_types)
    app.connect("autodoc-process-bases", leave_out_internal_bases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
