"""The tables of traffic. A part with many of its own keeps them in `<part>_models.py`."""

from sqlmodel import SQLModel

from plugin_sdk.data import app_registry


class Base(SQLModel, registry=app_registry("traffic")):
    """The base of the app's tables."""
