"""Records what the Python package gguf (numpy) makes of blocks of every tensor type: the values that the dequantisers are held to.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install gguf==0.19.0
    /tmp/venv/bin/python packages/formats/scripts/record-dequantise.py ~/.cache/longtab/models/SmolLM2-135M-Instruct.Q4_1.gguf

Writes test/fixtures/dequantise/TYPE.bin, and index.json with the number of blocks and bytes of each:
the blocks' bytes, then their elements as little-endian f32.

Blocks of each type, in this order:
  real     weights of the model. Where the model stores the type (F32, Q4_1, Q8_0), its own bytes; else what gguf quantises its
           dequantised weights to. gguf has no quantiser for K-quants: those have no real blocks, their random ones cover every bit.
  random   random bytes, the f16 scales replaced by random ones of magnitude 2^-12 to 2^2 with either sign.
  extreme  all bytes 0x00; all bytes 0xFF with scales of 1 and -1; random bytes with scales that are the smallest subnormal, the largest
           subnormal, and the largest finite f16.
F32, F16 and BF16 have no scales; their extremes are zeros, subnormals, largest finite values, infinities and NaN.
Infinite and NaN scales are left out for blocks: what they make is NaN or infinity everywhere, which the F16 blocks cover.
"""

import json
import sys
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T, GGUFReader
from gguf.quants import dequantize, quantize

OUT = Path(__file__).parent.parent / "test" / "fixtures" / "dequantise"

# Byte offsets of the f16 scales in a block (ggml-common.h).
SCALES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
}
PLAIN = [T.F32, T.F16, T.BF16]


def real_blocks(reader, kind, count):
    own = [t for t in reader.tensors if t.tensor_type == kind]
    block_size, block_bytes = GGML_QUANT_SIZES[kind]
    if own:
        return own[len(own) // 2].data.reshape(-1).view(np.uint8)[: count * block_bytes].reshape(count, block_bytes)
    if kind not in PLAIN and block_size == 256:
        return np.zeros((0, block_bytes), np.uint8)
    source = next(t for t in reader.tensors if t.name == "blk.7.attn_k.weight")
    values = dequantize(source.data, source.tensor_type).reshape(-1)[: count * block_size].astype(np.float32)
    return quantize(values.reshape(count, block_size), kind).view(np.uint8).reshape(count, block_bytes)


def with_scales(blocks, kind, scales):
    for row, block in enumerate(blocks):
        for at in SCALES[kind]:
            block[at : at + 2] = np.frombuffer(np.float16(scales[row % len(scales)]).tobytes(), np.uint8)
    return blocks


def made_blocks(random, kind):
    block_bytes = GGML_QUANT_SIZES[kind][1]
    if kind == T.F32:
        bits = [0, 0x80000000, 1, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000]
        return np.concatenate([random.integers(0, 2**32, 54, np.uint32), np.array(bits, np.uint32)]).view(np.uint8).reshape(-1, 4)
    if kind == T.F16:
        return np.arange(0, 65536, 61, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    if kind == T.BF16:
        bits = [0, 0x8000, 1, 0x807F, 0x0080, 0x7F7F, 0xFF7F, 0x7F80, 0xFF80, 0x7FC0]
        return np.concatenate([np.arange(0, 65536, 251, dtype=np.uint16), np.array(bits, np.uint16)]).view(np.uint8).reshape(-1, 2)
    # Each scale its own: d and dmin (or m) are drawn apart.
    drawn = random.integers(0, 256, (4, block_bytes), np.uint8)
    for block in drawn:
        for at in SCALES[kind]:
            scale = np.float16(2.0 ** random.uniform(-12, 2) * random.choice([-1, 1]))
            block[at : at + 2] = np.frombuffer(scale.tobytes(), np.uint8)
    zeros = np.zeros((1, block_bytes), np.uint8)
    ones = with_scales(np.full((2, block_bytes), 0xFF, np.uint8), kind, [1, -1])
    edges = with_scales(random.integers(0, 256, (3, block_bytes), np.uint8), kind, [2.0**-24, 1023 * 2.0**-24, 65504])
    return np.concatenate([drawn, zeros, ones, edges])


def main(model):
    reader = GGUFReader(model)
    random = np.random.default_rng(20240)
    OUT.mkdir(parents=True, exist_ok=True)
    index = {}
    for kind in [*PLAIN, *SCALES]:
        real = real_blocks(reader, kind, 64 if kind in PLAIN else 8)
        blocks = np.ascontiguousarray(np.concatenate([real, made_blocks(random, kind)]))
        with np.errstate(all="ignore"):
            stored = blocks if kind not in (T.F32, T.F16) else blocks.view(np.float32 if kind == T.F32 else np.float16)
            values = dequantize(stored, kind).astype(np.float32).reshape(-1)
        (OUT / f"{kind.name}.bin").write_bytes(blocks.tobytes() + values.astype("<f4").tobytes())
        index[kind.name] = {"blocks": len(blocks), "real": len(real), "bytes": int(blocks.size)}
    (OUT / "index.json").write_text(json.dumps(index, indent=2) + "\n")


main(sys.argv[1])
