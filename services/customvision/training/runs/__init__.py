"""Runs of training: what they are, their queue, one attempt at a time, their events."""
