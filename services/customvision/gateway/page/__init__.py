"""The web page: its files, who is signed in, and the way from its scripts to the services."""
