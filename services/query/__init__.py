"""query: what people see and may wish; the cameras, the live picture, the recordings and the page."""
