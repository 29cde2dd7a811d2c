"""``domains``: the kinds of backbone that a project can choose."""

import typer

from customvision.cli.connection import connect, list_domains
from customvision.cli.display.tables import print_json, print_table, record
from customvision.cli.options import JsonOption

BYTES_PER_MEGABYTE = 1_000_000


def register(app: typer.Typer) -> None:
    """Adds the command to ``app``."""
    app.command()(domains)


def domains(as_json: JsonOption = False) -> None:
    """List the domains: what a project's models rest on, how large and quick each is, and what it is good for."""
    with connect() as client:
        found = list_domains(client)
    if as_json:
        print_json([record(domain) for domain in found])
        return
    print_table(
        ["name", "network", "size", "one image", "good for"],
        [
            (
                domain.name,
                domain.architecture,
                f"{domain.weights_size_bytes / BYTES_PER_MEGABYTE:.1f} MB",
                f"{domain.latency.ToTimedelta().total_seconds() * 1000:.1f} ms",
                domain.description,
            )
            for domain in found
        ],
        empty="The project service knows no domains.",
    )
