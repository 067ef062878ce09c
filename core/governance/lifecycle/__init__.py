"""The life cycle of an app: where it stands, and the steps that lead on and back."""
