"""Records what an independent implementation computes from a model file, for the engine's fidelity tests.

    python3 -m venv /tmp/fidelity && . /tmp/fidelity/bin/activate
    pip install torch==2.13.0 transformers==5.23.0 gguf==0.19.0 accelerate==1.15.0 numpy==2.4.6
    python packages/engine/scripts/record-fidelity.py SmolLM2-135M-Instruct.Q4_1.gguf

Reads test/fidelity/prompts.json and test/fidelity/passage.txt, writes test/fidelity/data/. Everything comes from the GGUF file itself:
nothing is fetched. The reference is transformers' Llama in PyTorch on the CPU with the dequantised weights, float32 throughout and eager
attention. The layouts written here are described where they are read: test/fidelity/reference.ts.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import gguf
import numpy as np
import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

FIDELITY = Path(__file__).resolve().parent.parent / "test" / "fidelity"
TOP = 64  # most probable ids kept of every distribution
TAIL = 32  # ids drawn from the rest of it, in proportion to their probability
CONTINUATION = 56  # steps a case has, unless the end-of-turn token comes sooner
PASSAGE_TOKENS = 1000  # predictions scored in the passage
WHOLE = [("short", 0), ("chat-question", 7), ("code-typescript", 20), ("chinese", 3)]  # (case, step) kept over the whole vocabulary
SEED = 20260101


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="the GGUF file")
    path = parser.parse_args().model
    model, tokenizer = load(path)
    check_weights(model, path)

    data = FIDELITY / "data"
    data.mkdir(exist_ok=True)
    random = np.random.default_rng(SEED)
    cases = [record_case(model, tokenizer, prompt, random) for prompt in json.loads((FIDELITY / "prompts.json").read_text())]
    (data / "steps.bin").write_bytes(b"".join(pack_step(step, token, random) for case in cases for step, token in zip(case["rows"], case["continuationIds"])))

    by_name = {case["name"]: case for case in cases}
    whole = [pack_whole(by_name[name]["rows"][step], name, step) for name, step in WHOLE]
    (data / "whole.bin").write_bytes(b"".join(codes for codes, _ in whole))

    passage_ids = tokenizer((FIDELITY / "passage.txt").read_text()).input_ids[: PASSAGE_TOKENS + 1]
    assert len(passage_ids) == PASSAGE_TOKENS + 1, "the passage is too short"
    nll = -log_softmax(forward(model, passage_ids)[:-1])[np.arange(PASSAGE_TOKENS), passage_ids[1:]]
    (data / "passage.bin").write_bytes(nll.astype("<f4").tobytes())

    activations = record_activations(model, by_name["short"]["promptIds"])
    (data / "activations.bin").write_bytes(b"".join(values.astype("<f4").tobytes() for _, values in activations))

    index = {
        "model": {"file": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
        "vocabulary": model.config.vocab_size,
        "top": TOP,
        "tail": TAIL,
        "cases": [{key: case[key] for key in ("name", "continuation", "prompt", "promptIds", "continuationIds")} for case in cases],
        "whole": [description for _, description in whole],
        "passage": {"ids": passage_ids, "meanNll": float(nll.mean())},
        "activations": {"case": "short", "rows": [{"name": name, "shape": list(values.shape)} for name, values in activations]},
    }
    (data / "index.json").write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n")
    print(f"{len(cases)} cases, {sum(len(case['rows']) for case in cases)} steps, passage NLL {nll.mean():.6f}")


def load(path: Path):
    """
    The model in float32 and the tokenizer, both out of the GGUF file. transformers does not read the file's pre-tokenizer name (`smollm`:
    every digit stands alone), so it is set here.
    """
    source = {"gguf_file": path.name}
    model = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, attn_implementation="eager", **source).eval()
    tokenizer = AutoTokenizer.from_pretrained(path.parent, **source)
    digits, words = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, words])
    return model, tokenizer


# --- weights -----------------------------------------------------------------------------------------------------------------

TENSORS = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}  # fmt: skip


def check_weights(model, path: Path) -> None:
    """Every tensor that transformers loaded equals, bit for bit, both the gguf package's dequantisation and the one below."""
    reader = gguf.GGUFReader(path)
    number = lambda key: reader.fields[f"llama.{key}"].contents()
    config = model.config
    assert config.rope_parameters == {"rope_theta": number("rope.freq_base"), "rope_type": "default"}
    assert config.rms_norm_eps == number("attention.layer_norm_rms_epsilon")
    assert model.lm_head.weight is model.model.embed_tokens.weight and not any(t.name == "output.weight" for t in reader.tensors)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    state = model.state_dict()
    for tensor in reader.tensors:
        weight = dequantize(tensor)
        assert np.array_equal(weight, gguf.quants.dequantize(tensor.data, tensor.tensor_type)), tensor.name
        if tensor.name.startswith("blk."):
            _, layer, kind, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{TENSORS[kind]}.weight"
            if kind in heads:
                weight = halves(weight, heads[kind])
        else:
            name = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}[tensor.name]
        assert np.array_equal(state[name].numpy(), weight), tensor.name
    print(f"{len(reader.tensors)} tensors equal")


def dequantize(tensor) -> np.ndarray:
    """A tensor in float32, written from the formats' definition: w = d * q + m (Q4_1), w = d * q (Q8_0), 32 weights a block."""
    shape = tensor.shape[::-1]
    if tensor.tensor_type == gguf.GGMLQuantizationType.F32:
        return np.asarray(tensor.data).reshape(shape)
    blocks = np.ascontiguousarray(tensor.data).view(np.uint8)
    if tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0:
        blocks = blocks.reshape(-1, 34)
        weights = blocks[:, :2].view("<f2").astype(np.float32) * blocks[:, 2:].view(np.int8).astype(np.float32)
    elif tensor.tensor_type == gguf.GGMLQuantizationType.Q4_1:
        blocks = blocks.reshape(-1, 20)
        d, m = (blocks[:, at : at + 2].view("<f2").astype(np.float32) for at in (0, 2))
        weights = d * np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1).astype(np.float32) + m
    else:
        raise SystemExit(f"{tensor.name}: {tensor.tensor_type.name} has no dequantiser here; add one to dequantize()")
    return weights.reshape(shape)


def halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """GGUF's order of a head's rows (rotation pairs adjacent: 2i, 2i+1) to transformers' (pairs half a head apart: i, i + E/2)."""
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def pairs(rows: np.ndarray, heads: int) -> np.ndarray:
    """The inverse of halves()."""
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


# --- distributions -----------------------------------------------------------------------------------------------------------


@torch.no_grad()
def forward(model, ids: list[int]) -> np.ndarray:
    """Logits [ids, vocabulary] of one pass over the whole sequence."""
    return model(torch.tensor([ids])).logits[0].numpy()


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """In float64, over the last axis."""
    return logits.astype(np.float64) - log_sum_exp(logits)[..., None]


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    top = logits.max(axis=-1).astype(np.float64)
    return top + np.log(np.exp(logits.astype(np.float64) - top[..., None]).sum(axis=-1))


def record_case(model, tokenizer, prompt: dict, random) -> dict:
    """A prompt's ids, a continuation of it drawn from the reference, and the logits [continuation, vocabulary] that predict it."""
    if "ids" in prompt:
        prompt_ids = prompt["ids"]
        text = tokenizer.decode(prompt_ids)
    else:
        text = prompt.get("text") or tokenizer.apply_chat_template(prompt["chat"], tokenize=False, add_generation_prompt=True)
        prompt_ids = tokenizer(text).input_ids
    continuation = generate(model, prompt_ids, tokenizer.eos_token_id, random if prompt["continuation"] == "sampled" else None)
    rows = forward(model, prompt_ids + continuation[:-1])[len(prompt_ids) - 1 :]
    print(f"{prompt['name']}: {len(prompt_ids)} + {len(continuation)} tokens, {tokenizer.decode(continuation)!r}")
    return {
        "name": prompt["name"], "continuation": prompt["continuation"], "prompt": text,
        "promptIds": prompt_ids, "continuationIds": continuation, "rows": rows,
    }  # fmt: skip


@torch.no_grad()
def generate(model, ids: list[int], end: int, random) -> list[int]:
    """Up to CONTINUATION ids, the end token included: the most probable ones, or, given `random`, drawn at temperature 1."""
    drawn, cache, step = [], None, ids
    while len(drawn) < CONTINUATION and (not drawn or drawn[-1] != end):
        output = model(torch.tensor([step]), past_key_values=cache, use_cache=True)
        cache, logits = output.past_key_values, output.logits[0, -1].numpy()
        if random is None:
            token = int(logits.argmax())
        else:
            p = np.exp(log_softmax(logits))
            token = int(random.choice(len(p), p=p / p.sum()))
        drawn.append(token)
        step = [token]
    return drawn


def pack_step(logits: np.ndarray, forced: int, random) -> bytes:
    """One distribution: see `ReferenceStep` in reference.ts."""
    logprobs = log_softmax(logits)
    order = np.argsort(-logprobs, kind="stable")
    top, rest = order[:TOP], order[TOP:]
    mass = np.exp(logprobs[rest])
    tail = random.choice(rest, size=TAIL, p=mass / mass.sum())
    numbers = np.concatenate([[logprobs[forced], log_sum_exp(logits), mass.sum()], logprobs[top], logprobs[tail]])
    return numbers.astype("<f4").tobytes() + np.concatenate([top, tail]).astype("<u2").tobytes()


def pack_whole(logits: np.ndarray, name: str, step: int) -> tuple[bytes, dict]:
    """All log-probabilities in 16 bits each: minimum + code * scale."""
    logprobs = log_softmax(logits)
    minimum = float(logprobs.min())
    scale = float(logprobs.max() - minimum) / 65535
    return np.rint((logprobs - minimum) / scale).astype("<u2").tobytes(), {"case": name, "step": step, "minimum": minimum, "scale": scale}


# --- activations -------------------------------------------------------------------------------------------------------------


@torch.no_grad()
def record_activations(model, ids: list[int]) -> list[tuple[str, np.ndarray]]:
    """What the last token of `ids` looks like on its way: layer 0 step by step, then the output of every layer."""
    seen: dict[str, np.ndarray] = {}
    hooks = []

    def watch(name, module, inputs=False):
        def keep(_, args, output):
            value = args[0] if inputs else output[0] if isinstance(output, tuple) else output
            seen[name] = value[0, -1].numpy().copy()

        hooks.append(module.register_forward_hook(keep))

    decoder, layer = model.model, model.model.layers[0]
    watch("embedding", decoder.embed_tokens)
    for index, block in enumerate(decoder.layers):
        watch(f"layer.{index}", block)
    watch("output_norm", decoder.norm)
    watch("layer.0.attn_norm", layer.input_layernorm)
    for name in ("q", "k", "v"):
        watch(f"layer.0.{name}", getattr(layer.self_attn, f"{name}_proj"))
    watch("layer.0.attention", layer.self_attn.o_proj, inputs=True)
    watch("layer.0.attn_output", layer.self_attn.o_proj)
    watch("layer.0.ffn_norm", layer.post_attention_layernorm)
    watch("layer.0.ffn_activated", layer.mlp.down_proj, inputs=True)
    watch("layer.0.ffn_down", layer.mlp.down_proj)
    model(torch.tensor([ids]))
    for hook in hooks:
        hook.remove()

    config = model.config
    for name, heads in (("q", config.num_attention_heads), ("k", config.num_key_value_heads)):
        seen[f"layer.0.{name}"] = pairs(seen[f"layer.0.{name}"], heads)
        seen[f"layer.0.{name}_rotated"] = rotate(seen[f"layer.0.{name}"], len(ids) - 1, heads, config.rope_parameters["rope_theta"])
    return sorted(seen.items())


def rotate(x: np.ndarray, position: int, heads: int, base: float) -> np.ndarray:
    """Rotary embedding in GGUF's order: the pair (2i, 2i+1) of each head turns by position * base^(-2i/E)."""
    z = x.astype(np.float64).reshape(heads, -1, 2) @ [1, 1j]
    z *= np.exp(1j * position * base ** (-np.arange(z.shape[1]) / z.shape[1]))
    return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)


if __name__ == "__main__":
    main()
