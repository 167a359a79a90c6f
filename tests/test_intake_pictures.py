import io
import zlib

import numpy as np
import pytest
from PIL import Image

from compress_core.intake.choices import Choices
from compress_core.intake.pictures import decode_picture
from compress_core.refusal import IntakeError
from tests.uploads import picture, wanted

ANY = Choices()
GREY, COLOUR = wanted(1, 8, 8), wanted(3, 8, 8)


def saved(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def test_a_grey_picture_of_the_right_size_is_not_touched() -> None:
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert decode_picture(picture(values), GREY, ANY).tolist() == [values.tolist()]


def test_grey_becomes_three_equal_channels_and_colour_becomes_grey() -> None:
    assert (
        decode_picture(picture(), COLOUR, ANY)[0].tolist()
        == decode_picture(picture(), GREY, ANY)[0].tolist()
    )
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    assert decode_picture(picture(red), GREY, ANY)[0, 0, 0] == 76  # 0.299 of full
    assert decode_picture(picture(red), COLOUR, ANY)[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("background", "level"), [("white", 255), ("black", 0)])
def test_what_is_transparent_shows_the_background(background: str, level: int) -> None:
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    palette = clear.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    choices = Choices(background=background)
    for image in (clear, Image.new("LA", (8, 8), (7, 0)), palette):
        given = decode_picture(saved(image), COLOUR, choices)
        assert given[:, 3, 3].tolist() == [level] * 3, image.mode


def test_sixteen_bits_become_eight_by_their_scale() -> None:
    values = np.array([[0, 257, 25_700, 65_535]] * 4, np.uint16)
    given = decode_picture(picture(values), wanted(1, 4, 4), ANY)
    assert given[0, 0].tolist() == [0, 1, 100, 255]


def test_floating_pixels_from_zero_to_one_become_bytes_and_nan_is_refused() -> None:
    values = np.array([[0, 0.2, 0.4, 1]] * 4, np.float32)
    assert decode_picture(picture(values, "TIFF"), wanted(1, 4, 4), ANY)[0, 0].tolist() == [
        0, 51, 102, 255,
    ]  # fmt: skip
    values[1, 1] = np.nan
    with pytest.raises(IntakeError, match="no numbers"):
        decode_picture(picture(values, "TIFF"), wanted(1, 4, 4), ANY)


def test_palette_black_and_white_and_print_colours_are_read() -> None:
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    assert decode_picture(saved(red.convert("P")), COLOUR, ANY)[:, 0, 0].tolist() == [255, 0, 0]
    assert decode_picture(saved(Image.new("1", (8, 8), 1)), GREY, ANY).min() == 255
    cmyk = decode_picture(saved(red.convert("CMYK"), "TIFF"), COLOUR, ANY)[:, 0, 0]
    assert cmyk[0] > 200 > 60 > cmyk[1]


def test_a_picture_that_was_taken_sideways_stands_upright() -> None:
    values = np.zeros((8, 8), np.uint8)
    values[0] = 255  # a white bar on top
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera says: turn right by 90 degrees
    given = decode_picture(picture(values, exif=exif), GREY, ANY)[0]
    assert given[:, -1].tolist() == [255] * 8
    assert given[:, 0].tolist() == [0] * 8


def test_another_shape_is_cut_filled_or_stretched() -> None:
    values = np.zeros((8, 24), np.uint8)
    values[:, :8], values[:, 16:] = 50, 200  # left and right of a black middle
    raw = picture(values)
    assert decode_picture(raw, GREY, Choices(fit="crop")).max() == 0
    padded = decode_picture(raw, GREY, Choices(fit="pad", background="black"))[0]
    assert padded[0].tolist() == [0] * 8 == padded[-1].tolist()
    assert padded[4, 0] == 50
    stretched = decode_picture(raw, GREY, Choices(fit="stretch"))[0]
    assert stretched[0, 0] == 50
    assert stretched[0, -1] == 200


def test_a_large_photo_is_the_same_as_if_it_were_not_decoded_smaller() -> None:
    x, y = np.meshgrid(np.linspace(0, 200, 400), np.linspace(0, 50, 400))
    raw = picture((x + y).astype(np.uint8), "JPEG", quality=95)
    given = decode_picture(raw, wanted(1, 16, 16), ANY)[0].astype(int)
    plain = Image.open(io.BytesIO(raw)).resize((16, 16), Image.Resampling.BILINEAR)
    assert abs(given - np.asarray(plain).astype(int)).max() <= 3


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (picture()[:50], "damaged"),
        (picture(np.zeros((64, 64, 3), np.uint8), "JPEG")[:300], "damaged"),
        (b"", "no picture"),
        (b"not a picture", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    ],
    ids=["cut PNG", "cut JPEG", "empty", "text", "a program for printers"],
)
def test_what_is_no_picture_says_so(raw: bytes, reason: str) -> None:
    with pytest.raises(IntakeError, match=reason):
        decode_picture(raw, GREY, ANY)


@pytest.mark.parametrize("side", [8_000, 40_000])
def test_a_picture_of_a_billion_pixels_is_refused_before_it_is_decoded(side: int) -> None:
    bomb = bytearray(picture())
    bomb[16:24] = side.to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    with pytest.raises(IntakeError, match="more than 50 million"):
        decode_picture(bytes(bomb), GREY, ANY)
