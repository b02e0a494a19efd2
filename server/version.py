"""Which release this is."""

from importlib.metadata import PackageNotFoundError, version


def _version() -> str:
    try:
        return version("sayso")
    except PackageNotFoundError:  # run from its folder, without having been installed
        return "0"


VERSION = _version()
