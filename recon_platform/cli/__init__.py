"""The command line: `recon …`. Thin: read options, call the library, print. Nothing is decided here.

Commands stand in one module per topic and import what they call when they run, so that `recon --help` answers at once.
"""

from __future__ import annotations


def main() -> None:
    """Entry of the `recon` program."""
    from recon_platform.cli.app import run

    run()
