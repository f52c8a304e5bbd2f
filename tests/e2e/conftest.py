"""End-to-end tests run on the same small plant as the tests of the Dagster shell."""

from tests.dagster.conftest import generated, night, planned

__all__ = ["generated", "night", "planned"]
