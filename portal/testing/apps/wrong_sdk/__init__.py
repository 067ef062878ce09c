"""An app built for another SDK: it is never imported."""

raise AssertionError("an app for another SDK must not be imported")
