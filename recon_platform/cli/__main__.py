"""`python -m recon_platform.cli`: the same as `recon`."""

from recon_platform.cli import main

main()
