"""The tables of oversight."""

from sqlmodel import SQLModel

from plugin_sdk.data import app_registry


class Base(SQLModel, registry=app_registry("oversight")):
    """The base of its tables."""
