"""Which channels a file has, as far as that can be told where it cannot be used."""

from pathlib import Path

import pytest

from flux_assets.publishing.channel_names import find_channel_names
from flux_assets.settings import load_settings

CHANNELS = """\
profiles: {{big: {{width_px: 100, height_px: 100}}}}
channels:
  google:
    feed: {{format: google_tsv}}
    slots: {{main: {{shots: [hero], profile: {profile}}}}}
  off:
    enabled: {enabled}
    feed: {{format: jsonl}}
  web:
    feed: {{format: jsonl}}
"""
SETTINGS = {"FLUX_ASSETS_SHOTS": "shots.yaml", "FLUX_ASSETS_CHANNELS": "channels.yaml"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shots.yaml").write_text("shots: {hero: {prompt: x}}")
    return tmp_path


@pytest.mark.parametrize("enabled", ["false", "off", '"no"', "False"])
@pytest.mark.parametrize(("profile", "problem"), [("big", ""), ("huge", "line 5")])
def test_the_enabled_ones_are_known_with_or_without_a_slip(
    folder: Path, enabled: str, profile: str, problem: str
) -> None:
    (folder / "channels.yaml").write_text(CHANNELS.format(enabled=enabled, profile=profile))
    found = find_channel_names(load_settings(SETTINGS))
    assert found is not None
    assert found.names == ["google", "web"]
    assert problem in found.problem
    assert bool(problem) == bool(found.problem)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("channels:", []),
        ("channels: [a]", []),
        ("- channels", []),
        ("channels: {Shop!: {feed: {format: jsonl}}, web: x}", ["web"]),
        ("channels: {web: {enabled: perhaps}}", ["web"]),
        ("channels: {web: }", ["web"]),
        ("channels: {", []),
    ],
)
def test_of_a_file_of_any_form_what_could_be_a_channel_is_taken(
    folder: Path, text: str, names: list[str]
) -> None:
    (folder / "channels.yaml").write_text(text)
    found = find_channel_names(load_settings(SETTINGS))
    assert found is not None
    assert [*found.names] == names
    assert "channels.yaml" in found.problem


def test_a_shots_file_that_cannot_be_used_hides_no_channel(folder: Path) -> None:
    (folder / "channels.yaml").write_text(CHANNELS.format(enabled="false", profile="big"))
    (folder / "shots.yaml").write_text("shots: {hero: {prompts: x}}")
    found = find_channel_names(load_settings(SETTINGS))
    assert found is not None
    assert (found.names, "shots.yaml" in found.problem) == (["google", "web"], True)


def test_without_the_setting_there_are_none() -> None:
    assert find_channel_names(load_settings({})) is None
