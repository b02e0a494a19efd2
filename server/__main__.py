"""`python -m server` is the command `sayso`."""

from server.cli.commands import main

if __name__ == "__main__":
    main()
