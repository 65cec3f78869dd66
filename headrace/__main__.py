"""``python -m headrace``: the command without its script."""

from headrace.cli.main import main

if __name__ == "__main__":
    main()
