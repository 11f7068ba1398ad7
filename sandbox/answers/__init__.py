"""From a request to an answer, and what goes wrong with it."""
