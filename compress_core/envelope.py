"""
The outside of a packed file: magic, version, checksum, and a description before the content.

    4 bytes  "\\x8eFIT"       1 byte  version       4 bytes  CRC-32 of all that follows
    length of the description (7 bits a byte, low ones first), then the description: JSON,
        deflated (RFC 1951) with `DICTIONARY` known beforehand
    the content, to the end
"""

import json
import zlib
from typing import Any

MAGIC = b"\x8eFIT"
VERSION = 1
START = len(MAGIC) + 1 + 4
LONGEST = 1 << 24
"""Bytes of JSON in a description."""

DICTIONARY = (
    b'"metadata":{"mean":0.0,"std":1.0,"scenario":"fashion-mnist/'
    b'"AvgPool2d","AdaptiveAvgPool2d",{"output_size":1}],["Dropout",{"p":0.5}],["Identity",{}],'
    b'"LayerNorm",{"normalized_shape":["Embedding","GELU","SiLU","Hardtanh","ReLU6","GRU",'
    b'"builtins.getattr","call_method","view","reshape","permute","transpose","operator.mul",'
    b'"torch.cat","torch.flatten","operator.add",[{"node":"add_1"},{"node":"functional.relu",'
    b'"T-shirt/top","Trouser","Pullover","Dress","Coat","Sandal","Shirt","Sneaker","Bag",'
    b'"Ankle boot"],"0","1","2","3","4","5","6","7","8","9"],'
    b'"kind":"codebook","kind":"power_of_two","group_size":32,"codes":"int16","levels":[16],'
    b'"finetune":{"kind":"finetune","epochs":1,"lr":0.001,"batch_size":128,"samples":null,'
    b'"amp":true,"seed":0},"granularity":"channel","allocation":"global","kernel",'
    b'"recipe":{"kind":"recipe","steps":[{"kind":"prune","sparsity":0.8,"threshold":null,'
    b'"granularity":"weight","n_of_m":null,"criterion":"l2","allocation":"uniform",'
    b'"schedule":"one_shot","round_to":1,"layers":"*"},{"kind":"quantize","weight_bits":4,'
    b'"activation_bits":8,"grid":"linear","granularity":"per_channel","scheme":"symmetric",'
    b'"calibration":"minmax","layers":"*"}],"finetune":null,"seed":0,"version":1},"masked":["'
    b'"activations":{"relu1":{"kind":"linear","bits":8,"low":-128,"high":127,"codes":"int8",'
    b'"stored":{"scale":[],"zero_point":[]}},"grids":{"conv1":{"kind":"linear","bits":4,"low":-7,'
    b'"high":7,"axis":0,"codes":"int8","stored":{"scale":[16]}},"fc1":'
    b'{"network":{"name":"resnet-20","input":[1,28,28],"labels":["tensors":{},"leaves":[['
    b'["Conv1d",["Conv2d",{"in_channels":16,"out_channels":16,"kernel_size":3,"stride":2,'
    b'"padding":1,"bias":false,"groups":16}],["BatchNorm2d",{"num_features":16}],["ReLU",{}],'
    b'["MaxPool2d",{"kernel_size":2,"stride":2}],["Flatten",{}],["Linear",{"in_features":128,'
    b'"out_features":10}]],"nodes":[["x","placeholder","x",[],{}],["input_1","placeholder",'
    b'"input",[],{}],"flatten","conv1","bn1","relu1","pool1","conv2","relu2","pool2","fc1",'
    b'"fc2","fc3",["call_function","operator.add","stage1.0.conv1","stage1.0.shortcut",'
    b'["output","output","output",[{"node":"fc"}],{}]]}'
)
"""Texts that files are likely to contain. Part of the format: a change needs a new version."""


def seal(description: dict[str, Any], content: bytes) -> bytes:
    """Return the file; raises ValueError for a description that is not JSON or too long."""
    text = json.dumps(description, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    raw = text.encode()
    if len(raw) > LONGEST:
        raise ValueError(f"A description of {len(raw):,} bytes is too long for a packed file.")
    packer = zlib.compressobj(9, wbits=-15, zdict=DICTIONARY)
    deflated = packer.compress(raw) + packer.flush()
    body = _length(len(deflated)) + deflated + content
    return MAGIC + bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def check(data: bytes) -> bytes:
    """Return what follows the checksum; raises ValueError, and says why, for a damaged file."""
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError("This is not a packed network (.fit).")
    if len(data) < START:
        raise ValueError("This packed file is cut short; copy it again.")
    if data[len(MAGIC)] != VERSION:
        raise ValueError(
            f"This packed file has version {data[len(MAGIC)]}; this app reads version {VERSION}. "
            "Update the app, or save the file again with this one."
        )
    if zlib.crc32(data[START:]) != int.from_bytes(data[START - 4 : START], "little"):
        raise ValueError("This packed file is damaged or cut short; copy it again.")
    return data[START:]


def split(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Return description and content of what `check` returned; raises ValueError."""
    start, length = _read_length(body)
    unpacker = zlib.decompressobj(wbits=-15, zdict=DICTIONARY)
    try:
        text = unpacker.decompress(body[start : start + length], LONGEST)
    except zlib.error as error:
        raise ValueError(f"its description cannot be read ({error})") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("its description is cut short or too long")
    description = json.loads(text)
    if not isinstance(description, dict):
        raise ValueError("its description is no object")
    return description, body[start + length :]


def _length(value: int) -> bytes:
    """Return a whole number, 7 bits a byte, low ones first."""
    digits = []
    while value >= 128:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def _read_length(content: bytes) -> tuple[int, int]:
    """Return where the number ends, and the number."""
    value = 0
    for place, digit in enumerate(content[:5]):
        value |= (digit & 127) << 7 * place
        if digit < 128:
            return place + 1, value
    raise ValueError("the length of its description is missing")
