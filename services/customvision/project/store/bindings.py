"""The values of a statement that is put together from parts."""


class Bindings(dict[str, object]):
    """Values by the names that stand for them in a statement, so that no text of a caller's is ever part of it."""

    def bind(self, value: object) -> str:
        """Keeps ``value`` and returns what stands for it."""
        name = f"value_{len(self)}"
        self[name] = value
        return f":{name}"
