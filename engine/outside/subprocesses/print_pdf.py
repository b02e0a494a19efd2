"""HTML from standard input as a PDF on standard output: with our own fonts, fetching nothing."""

import io
import sys
import tempfile
from pathlib import Path

import fontpkg_geist
import plutoprint

from engine.outside.subprocesses.limits import close

FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>"""
STYLE = "body { font-family: Geist; font-size: 10pt; line-height: 1.4 }"
EVERY_FACE = "<p>a<i>a</i><b>a<i>a</i></b></p>"
MOST_PAGES = 200


class Nothing(plutoprint.ResourceFetcher):
    """No address is fetched. What stands in the document as `data:` needs no fetching."""

    def fetch_url(self, url: str) -> plutoprint.ResourceData:
        raise PermissionError(url[:80])


def book(html: str) -> plutoprint.Book:
    made = plutoprint.Book(plutoprint.PAGE_SIZE_A4, plutoprint.PAGE_MARGINS_NORMAL)
    made.custom_resource_fetcher = Nothing()
    made.load_html(html, user_style=STYLE)
    return made


def main() -> None:
    html = sys.stdin.buffer.read().decode()
    with tempfile.TemporaryDirectory() as folder:
        fonts = Path(fontpkg_geist.ROOT) / "files"
        told = FONTS.format(fonts=fonts, cache=f"{folder}/cache")
        Path(folder, "fonts.conf").write_text(told)
        plutoprint.plutobook_set_fontconfig_path(folder)
        book(EVERY_FACE).write_to_pdf_stream(
            io.BytesIO()
        )  # opens the fonts, while that can be done
    close(files=3)
    made = book(html)
    if made.get_page_count() > MOST_PAGES:
        sys.exit(f"it has more than {MOST_PAGES} pages")
    made.write_to_pdf_stream(sys.stdout.buffer)


if __name__ == "__main__":
    main()
