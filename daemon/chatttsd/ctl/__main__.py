"""`python -m chatttsd.ctl` is chatttsctl."""

import sys

from chatttsd.ctl.main import main

sys.exit(main())
