from typing import Any

import pytest
from pydantic import ValidationError

from schemas.apps import AppCatalog, AppSettings


def test_without_a_list_every_app_has_the_defaults() -> None:
    assert AppCatalog().get("anything") == AppSettings()


def test_with_a_list_only_its_apps_are_served() -> None:
    catalog = AppCatalog(listed={"wx1": AppSettings(allowed_lateness=5, make_up_days=7)})
    assert catalog.get("wx2") is None
    assert catalog.open_days == 12


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time_zone": "Mars/Olympus"}, "IANA"),
        ({"time_zone": "../etc/passwd"}, "IANA"),
        ({"segments": ["channel", "mood"]}, "unknown segment 'mood'"),
        ({"milestones": [7, 3]}, "ascend"),
        ({"qualifying": []}, "qualifying is empty"),
        ({"day_cutoff_minutes": 1440}, "less than 1440"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_wrong_settings_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AppSettings.model_validate(fields)


def test_qualifying_events() -> None:
    default = AppSettings()
    assert default.qualifies("app_open")
    assert not default.qualifies("message_sent")
    assert not AppSettings(qualifying=frozenset({"order_paid"})).qualifies("app_open")
