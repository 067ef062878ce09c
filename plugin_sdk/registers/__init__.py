"""The register kit (台账): records that are valid for a time, never overwritten unseen."""

from plugin_sdk.registers.desk import RegisterDesk
from plugin_sdk.registers.engine import Register, RegisterEngine
from plugin_sdk.registers.forms import EndForm, RecordForm
from plugin_sdk.registers.models import RegisterRow, RegisterVersion
from plugin_sdk.registers.routes import register_routes

__all__ = [
    "EndForm",
    "RecordForm",
    "Register",
    "RegisterDesk",
    "RegisterEngine",
    "RegisterRow",
    "RegisterVersion",
    "register_routes",
]
