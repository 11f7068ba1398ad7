"""How an account takes limit, offset, dates and totals: learned from its answers."""
