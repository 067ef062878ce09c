"""An app that tries to end the hub when it is imported."""

import sys

sys.exit("this package leaves when it is imported")
