"""``diptych status``: a thin layer over :func:`ingest.status.read.read_status`."""

from __future__ import annotations

import json

import click

from ingest.index_options import index_options


@click.command()
@index_options
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
def status(*, as_json: bool, **flags: object) -> int:
    """Show what is indexed, from where, when last, and by which model.

    Counts points by root and modality, items and failures as the ledger has them, and lists the
    generations of the collection. Only reads; an embedded index must not be in use.
    """
    from ingest.status.read import read_status
    from ingest.status.table import to_status_table
    from schemas.settings import load_settings

    report = read_status(load_settings(**flags))
    click.echo(json.dumps(report.to_json(), indent=2) if as_json else to_status_table(report))
    return 0
