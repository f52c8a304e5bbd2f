"""Material planning: netting through all levels, pegging, action messages and what caused them, shortages."""

from recon_platform.material.plan import netted, plan_material
from recon_platform.material.shortages import find_shortages

__all__ = ["find_shortages", "netted", "plan_material"]
