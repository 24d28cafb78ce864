"""`python -m enveis`, for children that must run under the same interpreter."""

import sys

from enveis.main import main

if __name__ == "__main__":
    sys.exit(main())
