"""Which release this is: the one place that says so (pyproject.toml and the commands read it)."""

VERSION = "0.2.0.dev0"
