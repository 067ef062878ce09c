"""What an app is given: every room composed into `Hub`, `Read` and `Work`."""

from core.hub.alone import AlreadyServed
from core.hub.app import AppHub
from core.hub.service import Services
from core.hub.unit import Replayed, Unit

__all__ = ["AlreadyServed", "AppHub", "Replayed", "Services", "Unit"]
