"""Check the built site: python docs/check_site.py SITE [CHROMIUM].

Every public name of the package is in the reference; every page describes itself to search engines,
loads nothing from another host, and is not too heavy for a phone. With a CHROMIUM, and playwright,
each page is also opened in a browser: says what does not load, what the console complains of, and
whether a narrow screen has to be scrolled sideways.
"""

import functools
import http.server
import importlib
import pkgutil
import re
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import libtilt

WIDTHS = (1280, 390)
MAX_BYTES = 16_000_000
IMAGE = re.compile(r'<img [^>]*src="(?!data:|https?:)([^"]+)"')
CARD = re.compile(r'property="og:image" content="(?!https?:)([^"]+)"')
ELSEWHERE = re.compile(r'<(?:script|link rel="stylesheet")[^>]* (?:src|href)="(https?:[^"]+)"')


def public_names() -> Iterator[tuple[str, ...]]:
    """Yield the names under which the reference may have each public object."""
    for name in libtilt.__all__:
        yield (f"libtilt.{name}",)
    for info in pkgutil.iter_modules(libtilt.__path__, "libtilt."):
        if not info.name.endswith("__main__"):
            for name in getattr(importlib.import_module(info.name), "__all__", ()):
                yield f"{info.name}.{name}", f"libtilt.{name}"


def missing_names(site: Path) -> list[str]:
    """Return the public names that the site does not document."""
    packed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    known = {line.split()[0] for line in zlib.decompress(packed).decode().splitlines()}
    return [names[0] for names in public_names() if known.isdisjoint(names)]


def faults_of_file(page: Path) -> list[str]:
    """Return what is wrong with the file of a page."""
    text = page.read_text(encoding="utf-8")
    images = {page.parent / name for name in IMAGE.findall(text)}
    cards = {page.parent / name for name in CARD.findall(text)}
    found = [f"no such picture: {path}" for path in images | cards if not path.exists()]
    found += [f"loads {address}" for address in ELSEWHERE.findall(text)]
    if 'name="description"' not in text:
        found.append("no description")
    size = len(text) + sum(path.stat().st_size for path in images if path.exists())
    return found + ([f"{size / 1e6:.1f} MB"] if size > MAX_BYTES else [])


def serve(site: Path) -> http.server.ThreadingHTTPServer:
    """Serve a folder at any free port."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    handler.func.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def faults_in_browser(page, address: str) -> list[str]:
    """Return what is wrong with a page that a browser shows."""
    found = []
    page.on("console", lambda m: found.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("response", lambda r: found.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    page.goto(address, wait_until="load")
    broken = "imgs => imgs.filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
    found += [f"image: {source}" for source in page.eval_on_selector_all("img", broken)]
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return found + ([f"{wide} pixels too wide"] if wide > 1 else [])


def open_pages(site: Path, pages: list[Path], chromium: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the faults of each page in a browser, at each width."""
    from playwright.sync_api import sync_playwright

    server = serve(site)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in pages:
            inside = path.relative_to(site).as_posix()
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 800})
                address = f"http://127.0.0.1:{server.server_port}/{inside}"
                yield f"{inside} at {width}", faults_in_browser(page, address)
                page.close()
        browser.close()
    server.shutdown()


def main(site: Path, chromium: str | None) -> int:
    """Print the faults of all pages; return how many there are."""
    pages = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)
    results = [("reference", [f"{name} is missing" for name in missing_names(site)])]
    results += [(path.relative_to(site).as_posix(), faults_of_file(path)) for path in pages]
    results += open_pages(site, pages, chromium) if chromium else []
    for name, found in results:
        if found:
            print(f"{name}: {'; '.join(found)}")
    faults = sum(len(found) for _, found in results)
    print(f"{len(pages)} pages, {faults} faults")
    return faults


if __name__ == "__main__":
    sys.exit(bool(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)))
