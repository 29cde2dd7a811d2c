"""The commands: one file a group, each reading options, calling the client and drawing the answer."""
