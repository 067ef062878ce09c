"""Usage of apps, measured against an app's owner and never against a person."""
