"""The `dolbom` command: starts a site on one machine, and shows how it is and what happens in it."""
