"""What the input and the output of every exported model are called."""

INPUT, OUTPUT = "pixels", "probabilities"
