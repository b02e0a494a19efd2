"""The words of a PDF from standard input, as text on standard output."""

import io
import sys

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from engine.outside.subprocesses.limits import close

MOST_PAGES, MOST_SIGNS = 50, 200_000


def main() -> None:
    given = sys.stdin.buffer.read()
    close(files=16)  # Python opens the files of what it imports on the way
    words, left = [], MOST_SIGNS
    try:
        for page in PdfReader(io.BytesIO(given)).pages[:MOST_PAGES]:
            words.append(page.extract_text()[:left])
            left -= len(words[-1])
    except PyPdfError as error:
        sys.exit(f"it is no PDF that can be read ({error})")
    sys.stdout.buffer.write("\n".join(words).strip().encode())


if __name__ == "__main__":
    main()
