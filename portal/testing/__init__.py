"""What tests are given: throw-away engines and the fixtures built on them (a pytest plugin)."""

from portal.testing.browser import *  # noqa: F403  (pages in a real browser)
from portal.testing.contract import *  # noqa: F403  (app authors: state, faults, contract)
from portal.testing.engines import *  # noqa: F403  (fixtures and hooks, found by name)
from portal.testing.hub import *  # noqa: F403  (the template of `engines` is filled here)
