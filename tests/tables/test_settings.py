"""Every setting of a policy is explained, and `docs/settings.md` says what the code says."""

from __future__ import annotations

import dataclasses
import tomllib

import pytest

from recon_platform.tables import settings
from recon_platform.tables.policy import SECTIONS, policy_from_dict


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_explained(section: str) -> None:
    names = [field.name for field in dataclasses.fields(SECTIONS[section])]
    assert list(settings.MEANING[section]) == names, f"explain the settings of [{section}] in tables/settings.py"
    for _, meaning in settings.MEANING[section].values():
        assert meaning.endswith(".")


def test_the_page_is_current() -> None:
    assert settings.FILE.read_text(encoding="utf-8") == settings.page(), "settings changed: run `make docs` and commit"


def test_the_example_on_the_page_is_a_policy() -> None:
    example = settings.page().split("```toml\n")[1].split("```")[0]
    policy = policy_from_dict(tomllib.loads(example)["policy"])
    assert policy.capacity.frozen_hours == 36.0
    assert policy.capacity.class_weights["A"] == 5.0
