"""One run of one stream: plan, read, shape, and say what happened, in order."""
