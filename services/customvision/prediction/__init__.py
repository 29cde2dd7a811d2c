"""Answers with the models that are published."""
