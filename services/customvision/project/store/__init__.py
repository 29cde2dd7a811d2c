"""Where things are kept: one file of SQL per noun, the blob store, and the collector of what nothing names."""
