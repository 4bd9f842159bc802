"""The program. What it needs takes a moment to load, in which a Ctrl-C is one like any other."""

import gc
import sys


def main() -> None:
    """Run the command line."""
    gc.set_threshold(
        100_000
    )  # what is loaded is no garbage; to look through it again and again takes a sixth of a start
    try:
        from importer.cli import main as commands  # noqa: PLC0415 - what takes the moment

        commands(prog_name="importer")
    except KeyboardInterrupt:
        text = "Interrupted; nothing more was done."
        print(text, file=sys.stderr)  # noqa: T201 - before there is any other way
        if "--json" in sys.argv:
            print(f'{{"exit": 130, "error": "{text}"}}')  # noqa: T201 - the same
        sys.exit(130)
    finally:
        gc.freeze()  # nor when all of it goes at once, which would take a third of a start


if __name__ == "__main__":
    main()
