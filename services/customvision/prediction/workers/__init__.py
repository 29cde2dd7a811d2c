"""Several processes that serve prediction at one address, and the one that keeps them running."""
