"""Somebody brings a network and samples and takes a smaller one home; somebody else brings harm."""

import io
import re
import zipfile
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors.torch import save_file

from compress_core.zoo.build import build
from tests.belongings import shades_onnx, shades_zip
from tests.test_journey import PATIENCE, keep_at_rest

pytestmark = pytest.mark.browser
FILE = ".st-key-choose-card-own input[type=file]"
DESK = ".st-key-own-desk"


def open_choose(app: str, page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.goto(app)
    keep_at_rest(page)


def test_a_network_and_its_data_are_brought_shrunk_and_taken_home(
    app: str, page: Page, tmp_path: Path
) -> None:
    open_choose(app, page)
    desk = page.locator(DESK)
    page.locator(FILE).set_input_files(shades_onnx(tmp_path / "shades.onnx"))
    expect(desk.get_by_text("1 × 8 × 8")).to_be_visible()
    desk.locator("input[type=file]").set_input_files(shades_zip(tmp_path / "shades.zip"))
    keep_at_rest(page)  # until then there is a button to go on without data
    desk.get_by_role("button", name="Go on").click()
    keep_at_rest(page)  # the button moves until then
    desk.get_by_role("button", name="Try it on").click()

    page.wait_for_url("**/explore?model=own.**")
    page.get_by_text("Bold", exact=True).click()
    page.wait_for_url("**bits=4**")
    keep_at_rest(page)
    expect(page.locator(".st-key-tag")).to_contain_text("shades")

    page.get_by_role("link", name="Export").click()
    page.wait_for_url("**/export**")
    keep_at_rest(page)
    page.get_by_role("button", name="Make the ONNX file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile("^Save shades.onnx")).click()
    content = Path(download.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        names = {name.rpartition("/")[2] for name in bundle.namelist()}
    assert {"shades.onnx", "certificate.txt", "load_example.py", "sample.npy"} <= names


HARM = ("pickle.pt", "bomb.pt", "short.onnx", "escape.pt2", "nan.safetensors", "text.onnx")


def hostile(folder: Path) -> dict[Path, str]:
    """Write six files that want to do harm -> a word of the sentence that refuses each."""
    good = shades_onnx(folder / "good.onnx").read_bytes()
    files = {name: folder / name for name in HARM}
    files["pickle.pt"].write_bytes(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94.")
    with zipfile.ZipFile(files["bomb.pt"], "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("model/data.pkl", bytes(64 << 20))
    files["short.onnx"].write_bytes(good[: len(good) // 2])
    with zipfile.ZipFile(files["escape.pt2"], "w") as escape:
        escape.writestr("../../escape.txt", "out")
        escape.writestr("archive_format", "pt2")
    weights = build("simple-nn", 0).state_dict()
    save_file(
        {n: torch.full_like(v, torch.nan) for n, v in weights.items()}, files["nan.safetensors"]
    )
    files["text.onnx"].write_text("Dear network, please be a network.")
    sentences = (
        "not opened", "fill the disk", "damaged, cut short",
        "outside its folder", "finite", "can be read here",
    )  # fmt: skip
    return dict(zip(files.values(), sentences, strict=True))


@pytest.mark.parametrize(
    "names", [HARM[:2], pytest.param(HARM[2:], marks=pytest.mark.slow)], ids=" ".join
)
def test_hostile_files_are_refused_in_a_sentence_each_and_work_goes_on(
    app: str, page: Page, tmp_path: Path, names: tuple[str, ...]
) -> None:
    open_choose(app, page)
    refused = page.locator(DESK).get_by_test_id("stAlert")
    for path, sentence in hostile(tmp_path).items():
        if path.name not in names:
            continue
        page.locator(FILE).set_input_files(path)
        expect(page.locator(DESK).get_by_role("heading", name=path.name)).to_be_visible()
        keep_at_rest(page)
        expect(refused.first).to_contain_text(sentence)
        expect(page.get_by_role("button", name="Try it on")).to_have_count(0)
    page.locator(FILE).set_input_files(tmp_path / "good.onnx")
    keep_at_rest(page)
    page.locator(DESK).get_by_role("button", name="Go on without data").click()
    keep_at_rest(page)  # the button moves until then
    page.locator(DESK).get_by_role("button", name="Try it on").click()
    page.wait_for_url("**/explore?model=own.**")
    keep_at_rest(page)
    expect(page.locator(".st-key-tag")).to_contain_text("unknown")
