"""Let a program of ours read what strangers wrote in a process of its own, within limits."""

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

from engine.outside.subprocesses.limits import LARGEST, SECONDS

# Without the environment and the user's own packages (-I), and yet from this very engine.
BEGIN = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]);"
    "runpy.run_module(sys.argv[2], run_name='__main__')"
)
HOME = str(Path(__file__).parent.parent.parent)


def can_print() -> bool:
    """Whether PDFs can be made here: their printer comes along for most kinds of machines."""
    return find_spec("plutoprint") is not None


class TooMuch(Exception):
    """The program gave nothing: it broke, or wanted more time, memory or room than it is given."""


def run_isolated(program: str, given: bytes) -> bytes:
    """What the program (a file of this folder) makes of the bytes. Raises `TooMuch`.

    It is given no environment, and calls `limits.close` before it looks at what it was given.
    """
    command = [sys.executable, "-I", "-c", BEGIN, HOME, f"engine.outside.subprocesses.{program}"]
    with TemporaryFile() as source, TemporaryFile() as made, TemporaryFile() as said:
        source.write(given)
        source.seek(0)
        try:
            done = subprocess.run(
                command, stdin=source, stdout=made, stderr=said, env={}, timeout=SECONDS + 2
            )
        except subprocess.TimeoutExpired:
            raise TooMuch(f"it needed more than {SECONDS} seconds") from None
        if done.returncode:
            said.seek(0)
            raise TooMuch(_reason(done.returncode, _last_line(said.read())))
        made.seek(0)
        return made.read()


def _reason(code: int, told: str) -> str:
    """Why it gave nothing, as far as its end tells."""
    match -code:
        case signal.SIGXCPU | signal.SIGKILL:
            return f"it needed more than {SECONDS} seconds"
        case signal.SIGXFSZ:
            return f"what came of it is larger than {LARGEST >> 20} MB"
        case signal.SIGABRT | signal.SIGSEGV | signal.SIGBUS:
            return "it needed more memory than it is given, or is nested too deeply"
    return told or "it could not be read"


def _last_line(said: bytes) -> str:
    lines = said[-2_000:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
