"""Commands are tested with argon2's cheapest parameters: how slow a guess is, is not theirs to show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from recon_platform.governance import passwords


@pytest.fixture(scope="session", autouse=True)
def quick_secrets() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    cheap = PasswordHasher.from_parameters(CHEAPEST)
    patch.setattr(passwords, "_hasher", lambda: cheap)
    yield
    patch.undo()
