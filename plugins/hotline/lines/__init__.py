"""The old lines (热线) that were merged into one number, and what comes by each of them."""
