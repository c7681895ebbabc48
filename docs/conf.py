"""Configuration of the site, for `sphinx-build`; how to build it: CONTRIBUTING.md."""

import os
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
URLS = {name.lower(): address for name, address in PROJECT.get("urls", {}).items()}
RIBOSOME = DOCS.parents[1] / "shared" / "data" / "ribosome-70S-65.mrc"
sys.path.insert(0, str(DOCS / "_extensions"))

project = PROJECT["name"]
author = "The libtilt developers"
copyright = author  # noqa: A001
version = release = PROJECT["version"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_copybutton",
    "site_pages",
    "site_reference",
]
exclude_patterns = ["_*", "examples", "benchmarks"]
nitpicky = True

# Markdown pages and notebooks.
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 120
nb_merge_streams = True
if RIBOSOME.exists():
    os.environ.setdefault("LIBTILT_MAP", str(RIBOSOME))

# Copied code has no prompts.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# Docstrings. Names in single backticks are links where there is such a name.
default_role = "py:obj"
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    # Type variables, and types of arguments that only libtilt itself passes.
    ("py:class", r"libtilt\.\w+\.\w+\.(Geometry|Piece|Result|Series)"),
    ("py:class", r"libtilt\.alignment\.(imod\.\w+\.\w+Setup|relion\.star\.StarBlock)"),
    ("py:class", r"libtilt\.(errors\.options\.Option|errors\._WithArguments)"),
    ("py:class", r"libtilt\.(geometry\.window\.Window|io\.image_content\.ImageContent)"),
]
# Members of these and of their bases are not repeated.
OTHERS = ("object", "BaseException", "Exception", "NDArrayOperatorsMixin", "LinearOperator")
autodoc_default_options = {
    "inherited-members": ", ".join(OTHERS),
    "member-order": "groupwise",
    "show-inheritance": True,
}
autodoc_typehints_format = "short"
autodoc_type_aliases = {"ProgressOption": "libtilt.progress.ProgressOption"}
numpydoc_show_class_members = False
autosummary_generate = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = f"libtilt {release}"
html_baseurl = URLS.get("documentation", "")
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
templates_path = ["_templates"]
html_copy_source = True
html_sourcelink_suffix = ""
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": f"libtilt {release}", "image_light": html_favicon, "image_dark": html_favicon},
    "show_prev_next": True,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc", "download-notebook"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "icon_links": [
        {"name": "Source", "url": URLS[name], "icon": "fa-solid fa-code-branch"}
        for name in ("source", "repository")
        if name in URLS
    ],
}
