"""Turns frozen data sets into iterations: a durable queue of runs, their progress, evaluation, export."""
