"""`python -m bot` is `easel run`."""

import sys

from bot.cli.main import main

if __name__ == "__main__":
    sys.argv[1:] = ["run", *sys.argv[1:]]
    main()
