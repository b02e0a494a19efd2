"""Which rows of the feature table have no scenario yet: `make coverage-of-spec`."""

from pathlib import Path

FOLDER = Path(__file__).parent / "scenarios"
ROWS = range(1, 240)


def without_scenario() -> list[int]:
    """The numbers of the rows that neither `R27.json` nor `test_R27.py` speaks of."""
    return [row for row in ROWS if not any(FOLDER.joinpath(name).exists() for name in _files(row))]


def _files(row: int) -> tuple[str, str]:
    return f"R{row}.json", f"test_R{row}.py"


def spans(numbers: list[int]) -> list[str]:
    """Numbers as one says them: R3, R7 to R9."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return [f"R{run[0]}" if len(run) == 1 else f"R{run[0]} to R{run[-1]}" for run in found]


if __name__ == "__main__":
    missing = without_scenario()
    print(f"{len(ROWS) - len(missing)} of {len(ROWS)} rows have a scenario.")
    if missing:
        print(f"Without one: {', '.join(spans(missing))}.")
