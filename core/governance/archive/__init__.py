"""The archive: an app's data kept in a bundle, proven before the live tables go."""
