"""People, organizations, posts, sign-in and sessions."""
