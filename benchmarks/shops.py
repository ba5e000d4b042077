"""Shops to measure on: a made-up catalog, the project's own shots, and the settings around them."""

import csv
import json
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flux_assets.image_api.simulator.options import SAMPLE_KEY
from processes import Finished, command_of, run_measured

PROJECT = Path(__file__).parents[1]

_COLUMNS = (
    *("product_id", "title", "description", "category", "brand"),
    *("color", "material", "price", "image_url"),
)
_KINDS = (
    *(("Lounge Chair", "Furniture"), ("Dining Table", "Furniture"), ("Stoneware Jug", "Kitchen")),
    *(("Signet Ring", "Jewellery"), ("Rain Jacket", "Clothing"), ("Camp Stool", "Outdoor")),
    *(("Stacking Tower", "Toys"), ("Floor Lamp", "Lighting")),
)
_COLORS = ("Honey", "Smoked Brown", "", "Forest Green", "Off White")
_MATERIALS = ("Solid oak and paper cord", "Solid ash", "", "Brass and glass", "Recycled wool")
_ONE_SHOT = 'shots:\n  hero: {aspect_ratio: "1:1", prompt: "Studio photograph of {{ title }}"}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A working folder in which `flux-assets` runs as the user of a live API would run it."""

    folder: Path
    base_url: str
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def catalog(self) -> Path:
        """The export."""
        return self.folder / "catalog.csv"

    @property
    def home(self) -> Path:
        """Dagster's, which the command makes."""
        return self.folder / ".flux_assets" / "dagster"

    @property
    def store(self) -> Path:
        """The directory store, where no other is set."""
        return self.folder / "store"

    @property
    def environ(self) -> dict[str, str]:
        """The settings: no limit but the machine's."""
        return {
            "FLUX_ASSETS_MODE": "live",
            "ONEMIN_API_KEY": SAMPLE_KEY,
            "ONEMIN_BASE_URL": self.base_url,
            "FLUX_ASSETS_STORE": str(self.store),
            "FLUX_ASSETS_CATALOG": str(self.catalog),
            "FLUX_ASSETS_SHOTS": str(self.folder / "shots.yaml"),
            "FLUX_ASSETS_REQUESTS_PER_MINUTE": "1000000",
            "FLUX_ASSETS_MAX_IMAGES_PER_RUN": "1000000",
            "FLUX_ASSETS_DAILY_IMAGE_LIMIT": "1000000",
            "FLUX_ASSETS_SHARD_SIZE": "10000",
            **self.extra,
        }

    def run(self, *arguments: str) -> Finished:
        """Run `flux-assets` as a process of its own, and measure it."""
        command = [command_of("flux-assets"), *arguments]
        return run_measured(command, folder=self.folder, environ=self.environ)

    def refresh(self) -> tuple[Finished, dict[str, Any]]:
        """Run the whole job, and give what it counted."""
        finished = self.run("refresh", "--json")
        counts: dict[str, Any] = json.loads(finished.stdout)
        return finished, counts

    def step_seconds(self, run_id: str, step: str) -> float:
        """From the step's first start to its end, as Dagster's event log has it."""
        log = self.home / "history" / "runs" / f"{run_id}.db"
        with closing(sqlite3.connect(log)) as events:
            [[seconds]] = events.execute(
                "SELECT (julianday(max(timestamp)) - julianday(min(timestamp))) * 86400 "
                "FROM event_logs WHERE dagster_event_type IN ('STEP_START', 'STEP_SUCCESS') "
                "AND step_key LIKE ?",
                (f"{step}%",),
            )
        return float(seconds)


def open_shop(
    folder: Path,
    base_url: str,
    *,
    products: int,
    one_shot: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Shop:
    """A shop of so many products with the project's three shots, or one plain one."""
    folder.mkdir(parents=True)
    shop = Shop(folder=folder, base_url=base_url, extra=extra or {})
    write_catalog(shop.catalog, products)
    shutil.copy(PROJECT / "dagster.yaml", folder / "dagster.yaml")
    if one_shot:
        (folder / "shots.yaml").write_text(_ONE_SHOT, "utf-8")
    else:
        (folder / "shots.yaml").write_text(_read_three_shots(), "utf-8")
    return shop


def _read_three_shots() -> str:
    """The project's own shots, but for the one that edits a photo: no product here has any."""
    file = yaml.safe_load((PROJECT / "data" / "shots.yaml").read_bytes())
    file["shots"] = {
        name: shot for name, shot in file["shots"].items() if shot.get("mode") != "edit"
    }
    return yaml.safe_dump(file, allow_unicode=True, sort_keys=False)


def open_filled_shop(folder: Path, base_url: str, *, products: int) -> Shop:
    """A shop of so many products and three shots, whose pictures are all stored and known."""
    shop = open_shop(folder, base_url, products=products)
    script = Path(__file__).with_name("fill_shop.py")
    run_measured([sys.executable, str(script)], folder=folder, environ=shop.environ)
    return shop


def write_catalog(path: Path, products: int, *, changed_title: str | None = None) -> None:
    """So many products that differ; the first may have another title."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for number in range(products):
            row = _build_row(number)
            if number == 0 and changed_title is not None:
                row[1] = changed_title
            writer.writerow(row)


def _build_row(number: int) -> list[str]:
    kind, category = _KINDS[number % len(_KINDS)]
    description = f"A {kind.lower()} from workshop {number % 97}, finished by hand and made to last"
    return [
        f"P-{number:06d}",
        f"{kind} No. {number}",
        f"{description}. Ships flat, assembled in ten minutes.",
        category,
        f"Brand {number % 31}",
        _COLORS[number % len(_COLORS)],
        _MATERIALS[number % 7 % len(_MATERIALS)],
        f"{number % 900 + 9}.50",
        f"https://shop.example/images/{number}.jpg",
    ]
