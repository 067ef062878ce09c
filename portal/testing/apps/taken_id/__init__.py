"""An app that is installed under the name of another."""

raise AssertionError("an app with a taken name must not be imported")
