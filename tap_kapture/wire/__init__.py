"""One request to Kapture and its answer: endpoints, retries, pace, and what an answer means."""
