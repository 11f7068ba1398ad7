"""One day read to its end, page by page, on evidence."""
