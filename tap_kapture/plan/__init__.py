"""Which days to pull, and what of them is in the target already: pure, nothing here asks."""
