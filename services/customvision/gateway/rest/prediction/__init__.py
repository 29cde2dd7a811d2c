"""The prediction API: each route decodes, calls a service, encodes."""
