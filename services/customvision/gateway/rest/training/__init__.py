"""The training API: each route decodes, calls a service, encodes."""
