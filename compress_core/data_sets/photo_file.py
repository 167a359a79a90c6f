"""
Make `assets/photos/photos.npz` out of photographs that come in packages. Needed once.

    python -m compress_core.data_sets.photo_file FOLDER

In the folder lie Debian's packages tuxpaint-stamps-default, lomiri-wallpapers-16.04,
lomiri-wallpapers-20.04, mate-backgrounds, plasma-workspace-wallpapers, palapeli-data and
python3-skimage, unpacked (`dpkg-deb -x FILE.deb FOLDER`). Two photographs are scikit-learn's.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from compress_core.data_sets.data_set import ASSETS, PARTS, drawn
from compress_core.data_sets.photos import MEAN, STD, pictures
from compress_core.zoo.build import build
from compress_core.zoo.photos import SIDE

STAMPS = "usr/share/tuxpaint/stamps"
KINDS = ("animals", "food", "household", "plants", "sports", "vehicles")
"""Folders of photographs of single things, cut out."""
DRAWINGS = ("hedgehog", "echidna", "pizza", "wrench_adjustable", "rugby_goal_posts", "eggplant",
            "grannysmith", "tree336", "fly", "shrimp", "bee", "key", "glass")  # fmt: skip
"""What is no photograph among them, or hard to see on white."""
SCENES = (
    *("Wine_*.jpg", "greentock_*.jpg", "seeding_*.jpg", "aitzgorri_*.jpg", "Dragonfly_*.jpg"),
    *("friends_*.jpg", "sunset_*.jpg", "free_*.jpg", "picosdeeuropa_*.jpg", "life_*.jpg"),
    *("Picture_0B_*.jpg", "Picture_1A_*.jpg", "Bridge_*.jpg", "Kleiber_*.jpg"),
    *("nature/Aqua.jpg", "nature/Blinds.jpg", "nature/Dune.jpg", "nature/FreshFlower.jpg"),
    *("nature/Garden.jpg", "nature/GreenMeadow.jpg", "nature/LadyBird.jpg"),
    *("nature/RainDrops.jpg", "nature/Storm.jpg", "nature/TwoWings.jpg", "nature/YellowFlower.jpg"),
    *("collection/cincinnati-bridge.jpg", "collection/citrus-fruits.jpg"),
    *("collection/european-honey-bee.jpg",),
    *(f"{name}/contents/images/2560x1600.jpg" for name in (
        "Autumn", "BytheWater", "ColorfulCups", "EveningGlow", "FallenLeaf", "Kite", "Path")),
    *("data/coffee.png", "data/chelsea.png", "data/astronaut.png", "data/rocket.jpg"),
)  # fmt: skip
"""Photographs of places and things in them: how their paths end."""
CROPS = 5
"""Of each scene."""
QUALITY = 60
"""Of the stored WebP pictures."""


def things(folder: Path) -> Iterator[list[Image.Image]]:
    """Yield each thing on white: as it is, and a closer look at it in a mirror."""
    (root,) = folder.rglob(STAMPS)
    paths = sorted(path for kind in KINDS for path in (root / kind).rglob("*.png"))
    for path in paths:
        drawn_one = "cartoon" in path.parts or path.stem in DRAWINGS or "_mirror" in path.stem
        if not drawn_one:
            image = Image.open(path).convert("RGBA")
            image = image.crop(image.getbbox())
            if min(image.size) >= SIDE // 2:
                yield [_on_white(image, 1.0), _on_white(image, 1.5).transpose(_MIRROR)]


_MIRROR = Image.Transpose.FLIP_LEFT_RIGHT


def _on_white(image: Image.Image, zoom: float) -> Image.Image:
    scale = zoom * 0.92 * SIDE / max(image.size)
    small = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))),
        Image.Resampling.LANCZOS,
    )
    ground = Image.new("RGB", (SIDE, SIDE), "white")
    ground.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2), small)
    return ground


def scenes(folder: Path) -> Iterator[list[Image.Image]]:
    """Yield some crops of each photograph of a scene."""
    from sklearn.datasets import load_sample_images

    found = [Image.open(next(folder.rglob(f"*{name}"))).convert("RGB") for name in SCENES]
    found += [Image.fromarray(pixels) for pixels in load_sample_images().images]
    generator = np.random.default_rng(0)
    for image in found:
        crops = []
        for _ in range(CROPS):
            side = int(min(image.size) * generator.uniform(0.45, 1))
            left = int(generator.integers(0, image.width - side + 1))
            top = int(generator.integers(0, image.height - side + 1))
            box = (left, top, left + side, top + side)
            crops.append(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box))
        yield crops


def encoded(image: Image.Image) -> bytes:
    """Return a picture as a WebP file."""
    file = BytesIO()
    image.save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue()


def answers(weights: Path, x: Tensor) -> Tensor:
    """Return what the original sees in pictures, the likeliest class of each."""
    module = build("photos/efficientnet-lite0", seed=0).eval()
    module.load_state_dict(torch.load(weights, weights_only=True))
    with torch.inference_mode():
        return torch.cat([module((p.float() - MEAN) / STD).argmax(1) for p in x.split(32)])


def main() -> None:
    """Write the pictures, the photograph and the part that each belongs to, and the answers."""
    from compress_core.catalogue import weights_file

    folder = Path(sys.argv[1])
    photos = [*things(folder), *scenes(folder)]
    files = [[encoded(image) for image in views] for views in photos]
    count = len(photos)
    parts = drawn(count, validation=count // 5, test=count * 2 // 5)
    part = torch.empty(count, dtype=torch.uint8)
    for number, name in enumerate(PARTS):
        part[parts[name]] = number
    flat = [file for views in files for file in views]
    photo = np.repeat(np.arange(count), [len(views) for views in files])
    x = pictures(flat)
    weights = weights_file("photos/efficientnet-lite0", 0)
    assert weights is not None
    np.savez(
        ASSETS / "photos" / "photos.npz",
        files=np.frombuffer(b"".join(flat), np.uint8),
        ends=np.cumsum([len(file) for file in flat]),
        photo=photo.astype(np.int16),
        part=part.numpy()[photo],
        y=answers(weights, x).numpy().astype(np.int16),
    )
    print(f"{count} photographs, {len(flat)} pictures, {sum(map(len, flat)):,} bytes")


if __name__ == "__main__":
    main()
