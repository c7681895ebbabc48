"""Open every page of the built site in a browser: python docs/check_site.py SITE [CHROMIUM].

Needs playwright, and a Chromium of its own or the one that is named. Says for each page what does
not load, what the console complains of, and whether a narrow screen has to be scrolled sideways.
"""

import functools
import http.server
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = (1280, 360)


def serve(site: Path) -> http.server.ThreadingHTTPServer:
    """Serve a folder at any free port."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    handler.func.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def faults_of(page, address: str) -> list[str]:
    """Return what is wrong with one page."""
    found = []
    page.on("console", lambda m: found.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("response", lambda r: found.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    page.goto(address, wait_until="load")
    broken = "imgs => imgs.filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
    found += [f"image: {source}" for source in page.eval_on_selector_all("img", broken)]
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return found + ([f"{wide} pixels too wide"] if wide > 1 else [])


def main(site: Path, chromium: str | None) -> int:
    """Check all pages at all widths; return how many faults there are."""
    server = serve(site)
    faults = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in sorted(site.rglob("index.html")):
            inside = path.parent.relative_to(site).as_posix()
            for width in WIDTHS:
                page = browser.new_page(viewport={"width": width, "height": 800})
                address = f"http://127.0.0.1:{server.server_port}/{inside}/".replace("/./", "/")
                found = faults_of(page, address)
                page.close()
                faults += len(found)
                print(f"{inside} at {width}: {'; '.join(found) or 'ok'}")
        browser.close()
    server.shutdown()
    return faults


if __name__ == "__main__":
    sys.exit(bool(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)))
