"""The HTTP server, and the sandbox as tests hold it."""
