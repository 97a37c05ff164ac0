"""``diptych forget``: a thin layer over :func:`ingest.sync.forget.forget_roots`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ingest.index_options import index_options

if TYPE_CHECKING:
    from ingest.sync.forget import Forgotten

EXIT_DECLINED = 1
"""Nothing was removed, as nobody agreed."""


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@index_options
def forget(names: tuple[str, ...], *, yes: bool, **flags: object) -> int:
    """Remove roots from a collection: all their points, and what is known of them.

    NAME is a root's name as diptych status shows it. Nothing of the source itself is touched. Kept
    generations and one that is being built lose the root as well.
    """
    from ingest.sync.forget import forget_roots
    from ingest.sync.roots import to_likely_name
    from schemas.settings import load_settings

    settings = load_settings(**flags)
    done = forget_roots(names, settings, agrees=(lambda _: True) if yes else _ask)
    if not done.is_done:
        click.echo("nothing was removed")
        return EXIT_DECLINED
    click.echo(f"removed from {done.collection}: {_to_text(done)}, {done.points:,} points in all")
    configured = {to_likely_name(root) for root in settings.roots}
    for name in sorted(configured & done.items.keys()):
        click.echo(f"{name} is still among [[roots]]: the next diptych sync brings it back")
    return 0


def _ask(found: Forgotten) -> bool:
    question = f"Remove from {found.collection}: {_to_text(found)}?"
    try:
        return click.confirm(question)
    except click.Abort as error:
        raise click.UsageError("nobody is there to ask: say --yes") from error


def _to_text(found: Forgotten) -> str:
    return ", ".join(f"{name} ({count:,} items)" for name, count in found.items.items())
