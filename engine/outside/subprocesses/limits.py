"""What a process that reads what strangers wrote may use, set by itself before it reads."""

import resource
from contextlib import suppress

SECONDS, MEMORY, LARGEST = 8, 1 << 30, 25 << 20


def close(files: int) -> None:
    """From here on: so much time and memory, no larger result, and so many files open at once.

    Once that number is reached, neither a file nor a connection can be opened. Where a system does
    not know a limit, the time-out of the one who waits still holds.
    """
    limits = (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, LARGEST),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, files),
    )
    for limit, most in limits:
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))
