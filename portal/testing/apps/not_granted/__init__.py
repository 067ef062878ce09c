"""An app that the platform has granted nothing: it is never imported."""

raise AssertionError("an app without a grant must not be imported")
