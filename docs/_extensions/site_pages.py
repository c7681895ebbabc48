"""Navigation from the links of the group pages, and what a page tells search engines and cards."""

import re
from html import escape
from pathlib import Path
from textwrap import shorten

from docutils import nodes
from PIL import Image, ImageSequence

GROUPS = ("get_started", "how_to", "explanation", "reference", "project")
LINK = re.compile(r"\]\(([\w/]+)\.(?:md|ipynb)\)")
STORY = "images/story.gif"
CARD = "images/card.png"


def add_navigation(app, name, source):
    """Append to the home page, a group or the API page the pages below it, as it links to them."""
    if name == "index":
        pages = GROUPS
    elif name in GROUPS:
        pages = dict.fromkeys(LINK.findall(source[0]))
    elif name == "api":
        pages = [page for page in dict.fromkeys(LINK.findall(source[0])) if "/" in page]
    else:
        return
    source[0] += "\n\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"


def add_meta_tags(app, name, template, context, doctree):
    """Add a page's description, by default its first paragraph, and the picture of its card."""
    paragraph = doctree and doctree.next_node(nodes.paragraph)
    text = shorten(paragraph.astext(), 200, placeholder="…") if paragraph else "libtilt"
    card = app.config.html_baseurl or context["pathto"]("", resource=True)
    tags = {
        'name="description"': text,
        'property="og:description"': text,
        'property="og:title"': re.sub("<[^>]+>", "", context.get("title", "")) or "libtilt",
        'property="og:type"': "website",
        'property="og:image"': f"{card.rstrip('/')}/{CARD}".lstrip("/"),
        'name="twitter:card"': "summary_large_image",
    }
    context["metatags"] = context.get("metatags", "") + "".join(
        f'<meta {key} content="{escape(value)}">\n' for key, value in tags.items()
    )


def save_card(app, error):
    """Save the middle frame of the home page's animation as the picture of cards."""
    if error is None and app.builder.format == "html":
        with Image.open(Path(app.srcdir) / STORY) as animation:
            frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(animation)]
        target = Path(app.outdir) / CARD
        target.parent.mkdir(exist_ok=True)
        frames[len(frames) // 2].save(target)


def setup(app):
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", add_meta_tags)
    app.connect("build-finished", save_card)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
