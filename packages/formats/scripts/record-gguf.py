"""Writes a small GGUF file with the Python package gguf, and what that package reads back from it: an independent writer and reader.

    /tmp/venv/bin/python packages/formats/scripts/record-gguf.py

Writes test/fixtures/written-by-python.gguf and written-by-python.json.
"""

import json
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T, GGUFReader, GGUFValueType as V, GGUFWriter
from gguf.quants import quantize

OUT = Path(__file__).parent.parent / "test" / "fixtures"


def write(path):
    random = np.random.default_rng(7)
    writer = GGUFWriter(path, "llama")
    writer.add_name("Größe, 大きさ, 📏")
    writer.add_block_count(2)
    writer.add_uint8("test.uint8", 255)
    writer.add_int8("test.int8", -128)
    writer.add_uint16("test.uint16", 65535)
    writer.add_int16("test.int16", -32768)
    writer.add_uint32("test.uint32", 2**32 - 1)
    writer.add_int32("test.int32", -(2**31))
    writer.add_uint64("test.uint64", 2**64 - 1)
    writer.add_int64("test.int64", -(2**53))
    writer.add_uint64("test.uint64.exact", 2**53 - 1)
    writer.add_float32("test.float32", 0.1)
    writer.add_float64("test.float64", 0.1)
    writer.add_bool("test.bool", True)
    writer.add_string("test.empty", "")
    writer.add_key_value("test.strings", ["Ġ t", "é", "日本", "🙂", "\ufeffmark", ""], V.ARRAY, V.STRING)
    writer.add_key_value("test.int32s", [3, -1, 0], V.ARRAY, V.INT32)
    writer.add_key_value("test.float32s", [0.5, -2.25], V.ARRAY, V.FLOAT32)
    writer.add_key_value("test.bools", [True, False, True], V.ARRAY, V.BOOL)
    writer.add_key_value("test.uint64s", [1, 2**63], V.ARRAY, V.UINT64)
    writer.add_token_list(["<s>", "a", "b"])
    writer.add_custom_alignment(64)
    writer.add_tensor("norm.weight", random.standard_normal(33).astype(np.float32))
    writer.add_tensor("half.weight", random.standard_normal((2, 3, 5)).astype(np.float16))
    for kind in [T.Q4_1, T.Q8_0]:
        blocks = quantize(random.standard_normal((3, 64)).astype(np.float32), kind)
        writer.add_tensor(f"{kind.name}.weight", blocks, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(path):
    reader = GGUFReader(path)
    metadata = {}
    for key, field in reader.fields.items():
        if not key.startswith("GGUF."):
            value = field.contents()
            # 64-bit numbers beyond 2^53 are strings: JSON readers would round them.
            metadata[key] = json.loads(json.dumps(value), parse_int=lambda text: int(text) if abs(int(text)) < 2**53 else text)
    tensors = [
        {
            "name": t.name,
            "type": t.tensor_type.name,
            "shape": [int(n) for n in reversed(t.shape)],
            "offset": int(t.data_offset),
            "byteLength": int(t.n_bytes),
            "first": [int(byte) for byte in t.data.reshape(-1).view(np.uint8)[:8]],
        }
        for t in reader.tensors
    ]
    return {"version": int(reader.fields["GGUF.version"].contents()), "metadata": metadata, "tensors": tensors}


path = OUT / "written-by-python.gguf"
write(path)
(OUT / "written-by-python.json").write_text(json.dumps(read(path), indent=1, ensure_ascii=False) + "\n")
