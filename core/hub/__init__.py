"""What an app is given: every room composed into `Hub`, `Read` and `Work`."""

from core.hub.service import AppHub, Services
from core.hub.unit import Replayed, Unit

__all__ = ["AppHub", "Replayed", "Services", "Unit"]
