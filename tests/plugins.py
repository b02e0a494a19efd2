"""Packages with functions that workflows may call, installed for the length of a test."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path

from engine.effects.functions import FUNCTIONS, GROUP

SCORES = '''"""Functions of a developer's."""

from datetime import date
from decimal import Decimal

from engine.effects.functions import function

CALLS = []


def credit_score(name: str, years: int = 1, since: date | None = None) -> dict[str, object]:
    """The credit score of a company, from 0 to 100."""
    CALLS.append((name, years, since))
    return {"score": len(name) * years, "limit": Decimal("1200.50"), "name": name}


@function(idempotent=False)
def pay_out(amount: Decimal) -> str:
    """Pay an amount, which must not happen twice."""
    raise TimeoutError("the bank does not answer")


def broken(name: str) -> object:
    """A function that always fails."""
    raise ValueError(f"{name} is not known")
'''


@contextmanager
def installed(
    folder: Path, *, listed: str, source: str = SCORES, version: str = "1.0"
) -> Iterator[None]:
    """A distribution with these functions as entry points, of which some are `listed`."""
    module = "sayso_scores_of_the_tests"
    names = ("credit_score", "pay_out", "broken")
    folder.joinpath(f"{module}.py").write_text(source)
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n"
    )
    points = "\n".join(f"{name} = {module}:{name}" for name in names)
    info.joinpath("entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        FUNCTIONS.load(listed)
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(module, None)
        FUNCTIONS.load("")
