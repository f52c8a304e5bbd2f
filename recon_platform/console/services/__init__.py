"""What each page says, as data: frames of a night in, a `Page` out. Knows nothing of the web."""
