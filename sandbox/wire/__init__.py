"""How an account writes its records, and what a warehouse should hold of them."""
