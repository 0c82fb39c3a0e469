"""What is served: the REST API, media and the page."""
