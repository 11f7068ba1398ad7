"""Measurements of the tap's speed, memory and requests; see README.md."""
