"""HTTP in, gRPC out; holds no rules."""
