"""Fetches files by URL without letting callers reach what is not meant for them."""
