"""Accidents without injury (快处快赔): reported at the place, confirmed by both sides on their own
phones, decided by officers where they disagree."""
