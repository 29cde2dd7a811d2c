"""How to run and call a gRPC service, and how to keep what it knows; knows no service."""
