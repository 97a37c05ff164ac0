"""The ``diptych`` command: a lazy front door over ``ingest.cli`` and ``search.cli``.

Nothing heavy is imported until a command runs, so ``diptych --help`` stays quick.
"""

from __future__ import annotations

import io
import sys
from typing import NoReturn

import click

from ingest.lazy_group import LazyGroup
from ingest.logs import say_error
from schemas.errors import DiptychError, StoreError
from schemas.report import EXIT_INTERRUPTED

_COMMANDS = {
    "ingest": ("ingest.cli", "Index a folder of images and documents."),
    "sync": ("ingest.sync.cli", "Make a collection equal to its sources, again and again."),
    "verify": (
        "ingest.verify.cli",
        "Compare sources, ledger and collection, and mend what differs.",
    ),
    "status": ("ingest.status.cli", "Show what is indexed, from where, when last, by which model."),
    "forget": ("ingest.sync.forget_cli", "Remove roots from a collection."),
    "migrate": ("ingest.migrate.cli", "Move a collection to another model, without downtime."),
    "search": ("search.cli", "Find images and documents by words or by an image."),
    "facets": ("search.facets_cli", "Count the values of a field: types, keywords, years."),
    "evaluate": ("search.evaluate.cli", "Measure how well a collection answers, with intervals."),
    "bridge": ("ingest.bridge.cli", "Learn one space for two encoders, from pairs or from none."),
    "tag": ("search.annotate.cli", "Say which of your labels fit which images."),
    "serve": ("search.server.cli", "Serve an HTTP API and a web page."),
    "mcp": ("search.server.mcp_cli", "Offer search to a language model, by MCP."),
    "caption": ("search.annotate.cli", "Describe a photograph by the nearest indexed captions."),
}


@click.group(
    cls=LazyGroup,
    lazy_commands=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="diptych", prog_name="diptych")
def cli() -> None:
    """Find images by words and documents by images, in one embedding space."""


def main() -> NoReturn:
    """Run the command line; every expected error is one line on stderr and its own exit code."""
    try:
        status = cli.main(standalone_mode=False)
    except DiptychError as error:
        say_error(str(error))
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:
        # Above all the output itself: a full disk behind `> answer.json`.
        say_error(f"reading or writing failed: {error}")
        sys.stdout = io.StringIO()  # the real one would fail once more on the way out
        sys.exit(StoreError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
