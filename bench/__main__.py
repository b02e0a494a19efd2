"""Measure and tell: `make bench`, or `make bench ARGS=--quick`."""

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import latency, throughput
from bench.ground import now, pairs, tell

RESULTS = Path(__file__).parent / "RESULTS.md"
ABOUT = """# How fast

Made by `make bench` on {day} ({machine}, Python {python}), on a shared machine: trust the ratios
more than the figures. In parentheses: processor time of our process for one. SQLite commits with
`synchronous=full`; the PostgreSQL of the tests does not wait for its disk, and the processor time
of the server itself is not counted.

"""


def table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    lines = [["", *heads], ["---"] * (len(heads) + 1), *([title, *cells] for title, cells in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer of everything, for a first look"
    )
    quick = parser.parse_args().quick
    with pairs() as makers:
        tell("latency")
        rows = latency.rows(makers, 30 if quick else 200)
        tell("throughput")
        rows += throughput.rows(makers, 200 if quick else 1000)
    about = ABOUT.format(
        day=now().date(), machine=platform.machine(), python=platform.python_version()
    )
    found = table(["SQLite", "PostgreSQL + Redis"], rows)
    sys.stdout.write(found)
    if not quick:
        RESULTS.write_text(about + found, encoding="utf-8")


if __name__ == "__main__":
    main()
