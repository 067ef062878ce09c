"""An app that declares a table under another app's prefix, past its own registry."""

from sqlalchemy import Column, Integer, MetaData, Table

STOLEN = Table("good_item", MetaData(), Column("id", Integer, primary_key=True))
