"""What is kept: the log of facts and the views that are made of it."""
