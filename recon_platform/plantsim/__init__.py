"""A simulated plant: a world drawn from a seed, orders that flow through it, what its ERP and MES say each night."""

from recon_platform.plantsim.generate import GeneratedPlant, generate

__all__ = ["GeneratedPlant", "generate"]
