"""`python -m harness.cli` is the command `myorepro`."""

from harness.cli.main import main

if __name__ == "__main__":
    main()
