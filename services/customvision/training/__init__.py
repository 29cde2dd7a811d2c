"""The training service: turns frozen data sets into iterations; runs, progress, evaluation and export."""
