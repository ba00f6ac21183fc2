"""``python -m VISTA3DSegmentLib`` is the same as ``vista3dsegment``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
