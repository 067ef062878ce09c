"""An app whose import never returns, in one of three ways that the environment names."""

import os
import re
import time

match os.environ.get("YIMEN_TEST_BLOCKS", "sleep"):
    case "sleep":
        time.sleep(600)
    case "spin":
        while True:
            pass
    case "hold":  # it never lets go of the interpreter either
        re.fullmatch(r"(a|a)*b", "a" * 60)
