"""The duty kit (定期事项): what organizations owe each month, by a day, and what they filed."""

from plugin_sdk.duties.calendar import Rest
from plugin_sdk.duties.desk import DutyDesk
from plugin_sdk.duties.engine import Duty, DutyEngine
from plugin_sdk.duties.forms import CorrectForm, NilForm, ReturnForm
from plugin_sdk.duties.models import DutyFiling, DutyPeriod
from plugin_sdk.duties.routes import duty_routes
from plugin_sdk.duties.views import DutyItem

__all__ = [
    "CorrectForm",
    "Duty",
    "DutyDesk",
    "DutyEngine",
    "DutyFiling",
    "DutyItem",
    "DutyPeriod",
    "NilForm",
    "Rest",
    "ReturnForm",
    "duty_routes",
]
