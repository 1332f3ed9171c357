import { Engine, validateSampling } from "@longtab/engine";
import type { Prompt, Summary } from "@longtab/engine";
import { LongtabError } from "@longtab/errors";
import { Tokenizer } from "@longtab/tokenizer";
import { openModel, placeOptions } from "./model.ts";
import { parseOptions, required } from "./options.ts";
import { readText } from "./text-file.ts";

/** `generate`: streams a completion to standard output, speeds to standard error. Ctrl-C stops it in order. */
export async function generate(args: string[]): Promise<number> {
  const { options: o } = parseOptions(args, {
    model: "string",
    prompt: "string",
    "prompt-file": "string",
    chat: "boolean",
    system: "string",
    "max-tokens": "count",
    seed: "number",
    temperature: "number",
    "top-k": "number",
    "top-p": "number",
    "min-p": "number",
    "repetition-penalty": "number",
    stop: "strings",
    ...placeOptions,
  });
  if (o.system !== undefined && !o.chat) {
    throw new LongtabError({
      code: "invalid-option",
      what: "--system is part of a chat",
      remedy: "add --chat, or put its text into the prompt",
    });
  }
  const prompt = toPrompt(await readPrompt(o.prompt, o["prompt-file"]), o.chat ?? false, o.system);
  const { seed, temperature, "top-k": topK, "top-p": topP, "min-p": minP, "repetition-penalty": repetitionPenalty } = o;
  const sampling = validateSampling({ seed, temperature, topK, topP, minP, repetitionPenalty }, optionName);
  const { file, backend } = await openModel(required(o.model, "model"), o);
  const engine = new Engine(backend, Tokenizer.fromMetadata(file.metadata));
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  try {
    const pieces = engine.complete(prompt, { sampling, maxTokens: o["max-tokens"], stop: o.stop, signal: interrupt.signal });
    for (;;) {
      const next = await pieces.next();
      if (next.done) {
        process.stdout.write("\n");
        process.stderr.write(`${describe(next.value)}\n`);
        return 0;
      }
      process.stdout.write(next.value.text);
    }
  } finally {
    engine.dispose();
  }
}

/** A sampling option's name on the command line. */
function optionName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The prompt from the one option or the other. @throws LongtabError `invalid-option` for neither, both, or a file that cannot be read. */
async function readPrompt(text: string | undefined, file: string | undefined): Promise<string> {
  if (file === undefined) return required(text, "prompt");
  if (text !== undefined) {
    throw new LongtabError({ code: "invalid-option", what: "--prompt and --prompt-file both say what to read", remedy: "leave one out" });
  }
  return readText(file);
}

function toPrompt(text: string, chat: boolean, system: string | undefined): Prompt {
  if (!chat) return { text };
  return { messages: [...(system === undefined ? [] : [{ role: "system", content: system } as const]), { role: "user", content: text }] };
}

function describe({ promptTokens, completionTokens, prefillSeconds, decodeSeconds, finishReason }: Summary): string {
  const decode = decodeSeconds > 0 ? ((completionTokens - 1) / decodeSeconds).toFixed(1) : "-";
  return `${promptTokens} tokens read at ${(promptTokens / prefillSeconds).toFixed(1)} tok/s, ${completionTokens} written at ${decode} tok/s (${finishReason})`;
}
