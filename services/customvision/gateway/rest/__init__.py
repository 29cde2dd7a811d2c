"""The REST API of Azure Custom Vision, version by version from one implementation."""
