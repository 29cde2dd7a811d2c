"""What the project service knows and the rules that hold: pure Python, no gRPC, no protobuf, no SQLite."""
