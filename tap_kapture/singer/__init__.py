"""The door for Singer targets: the only room that knows the SDK."""
