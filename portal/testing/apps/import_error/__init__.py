"""An app whose package cannot be imported."""

raise RuntimeError("this package breaks when it is imported")
