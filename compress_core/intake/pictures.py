"""A picture file as the network reads it: upright, in its colours, cut to its size."""

import warnings
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from compress_core.intake.choices import Choices
from compress_core.intake.limits import MOST_PIXELS
from compress_core.intake.wanted import Wanted
from compress_core.refusal import IntakeError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
"""What is decoded; others of Pillow's formats start programs or are hardly tested."""
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_RESAMPLING = Image.Resampling.BILINEAR


def decode_picture(raw: bytes, wanted: Wanted, choices: Choices) -> NDArray[np.uint8]:
    """
    Return channels x height x width, as wanted, of a picture file.

    Raises IntakeError with a reason that continues "… cannot be read:".
    """
    channels, height, width = wanted.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on metadata change no pixel
        try:
            with Image.open(BytesIO(raw), formats=FORMATS) as picture:
                _check_size(picture)
                # JPEG can be decoded smaller at once; twice the size leaves the resizing its say.
                # The longer side for both: the picture may lie on its side.
                picture.draft(None, (2 * max(width, height),) * 2)
                picture.load()
                upright = ImageOps.exif_transpose(picture)
        except IntakeError:
            raise
        except Image.DecompressionBombError as error:
            raise IntakeError(f"it has more than {MOST_PIXELS // 10**6} million pixels") from error
        except UnidentifiedImageError as error:
            raise IntakeError("it is no picture of a kind that is known") from error
        except MemoryError:
            raise
        except Exception as error:  # decoders raise whatever a damaged file leads them to
            raise IntakeError("the picture is damaged or cut off") from error
    upright = _to_mode(_to_eight_bits(upright), _MODES[channels], choices)
    return pixels(_to_size(upright, (width, height), choices))


def pixels(picture: Image.Image) -> NDArray[np.uint8]:
    """Return channels x height x width of a decoded picture."""
    values = np.asarray(picture, np.uint8)
    return np.ascontiguousarray(values[None] if values.ndim == 2 else values.transpose(2, 0, 1))


def resized(values: NDArray[np.uint8], wanted: Wanted, choices: Choices) -> NDArray[np.uint8]:
    """Return channels x height x width values of another size, or number of channels, as wanted."""
    channels, height, width = wanted.shape
    flat = values[0] if len(values) == 1 else values.transpose(1, 2, 0)
    picture = _to_mode(Image.fromarray(np.ascontiguousarray(flat)), _MODES[channels], choices)
    return pixels(_to_size(picture, (width, height), choices))


def _check_size(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise IntakeError(
            f"it has {width:,} × {height:,} pixels, more than {MOST_PIXELS // 10**6} million"
        )


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """Return a grey picture of 16 or 32 bits as one of 8; others as they are."""
    if picture.mode not in {"I", "F"} and not picture.mode.startswith("I;"):
        return picture
    values = np.asarray(picture).astype(np.float64)
    if not np.isfinite(values).all():
        raise IntakeError("some of its pixels are no numbers (NaN or infinite)")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 65_535:
        raise IntakeError(f"its pixels go from {low:g} to {high:g}; use 8 or 16 bits")
    full = 1.0 if picture.mode == "F" and high <= 1 else 255.0 if picture.mode == "F" else 65_535.0
    if picture.mode == "F" and high > 255:
        full = 65_535.0
    return Image.fromarray(np.round(values * (255 / full)).astype(np.uint8))


def _to_mode(picture: Image.Image, mode: str, choices: Choices) -> Image.Image:
    """Return the picture in L, RGB or RGBA; what shows through is the chosen background."""
    see_through = "A" in picture.getbands() or "a" in picture.getbands()
    if see_through or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        if mode != "RGBA":
            below = Image.new("RGBA", picture.size, choices.background)
            picture = Image.alpha_composite(below, picture)
    return picture if picture.mode == mode else picture.convert(mode)


def _to_size(picture: Image.Image, size: tuple[int, int], choices: Choices) -> Image.Image:
    if picture.size == size:
        return picture
    if choices.fit == "crop":
        return ImageOps.fit(picture, size, _RESAMPLING)
    if choices.fit == "pad":
        return ImageOps.pad(picture, size, _RESAMPLING, color=choices.background)
    return picture.resize(size, _RESAMPLING)
