"""Follows every link within the built site, to pages, pictures, scripts and places on pages; prints those that lead nowhere.

    python docs/check_links.py docs/_build
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# asv's own pages are there only where somebody has run it.
OPTIONAL = "asv/"


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.without_words = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.places.update(filter(None, (given.get("id"), given.get("name"))))
        self.links.update(filter(None, (given.get("href"), given.get("src"))))
        self.without_words += tag == "img" and not given.get("alt")


def broken(site: Path) -> list[str]:
    own = [path for path in site.rglob("*.html") if path.relative_to(site).parts[0] not in ("asv", "_static")]
    pages = {path.resolve(): Page(path) for path in own}
    found = []
    for path, page in pages.items():
        if page.without_words:
            found.append(f"{path}: {page.without_words} pictures without an alternative text")
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or parts.path.startswith(OPTIONAL):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                found.append(f"{path}: no {link}")
            elif parts.fragment and target in pages and parts.fragment not in pages[target].places:
                found.append(f"{path}: no place {link}")
    return found


if __name__ == "__main__":
    wrong = broken(Path(sys.argv[1]))
    print("\n".join(wrong) or "every link within leads somewhere")
    sys.exit(bool(wrong))
