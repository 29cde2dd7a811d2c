"""The system of record: projects, tags, images, iterations, what is published, stored predictions."""
