"""How an account pages: what is known of it, how that is learned, and how a day is read by it."""
