"""What a training run computes, inside a process of its own."""
