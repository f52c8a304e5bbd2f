"""Connectors: what a plant hands over becomes landing tables, whatever its systems are.

`read_landing` reads a landing folder, `landing_of` takes its tables without one; `apply_profile` makes one from any extract.
"""

from recon_platform.connectors.files import Landing, landing_of, read_landing
from recon_platform.connectors.landing_error import LandingError

__all__ = ["Landing", "LandingError", "landing_of", "read_landing"]
