/**
 * Records llama.cpp's greedy continuation of every prompt in test/fidelity/data/index.json: a second opinion beside the exact reference
 * (llama.cpp quantises activations to 8 bits before every matrix product, so it is not expected to agree everywhere).
 *
 *     npm install --prefix /tmp/llama node-llama-cpp@3.22.1
 *     node packages/engine/scripts/record-greedy.mjs SmolLM2-135M-Instruct.Q4_1.gguf /tmp/llama
 *
 * Runs on the CPU, on one thread: several wait for each other in spins, which crawls on a machine that is busy. Also says where
 * llama.cpp's tokenizer disagrees with the recorded prompt ids.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * What is used of node-llama-cpp, which lies outside this repository.
 * @typedef {{ evaluate(ids: number[], options: object): AsyncIterable<number> }} Sequence
 * @typedef {{ getSequence(): Sequence, dispose(): Promise<void> }} Context
 * @typedef {object} Model
 * @property {(text: string, special: boolean) => number[]} tokenize
 * @property {(ids: number[], special: boolean) => string} detokenize
 * @property {(id: number) => boolean} isEogToken
 * @property {(options: object) => Promise<Context>} createContext
 * @typedef {{ loadModel(options: object): Promise<Model>, dispose(): Promise<void> }} Llama
 * @typedef {{ getLlama: (options: object) => Promise<Llama> }} NodeLlamaCpp
 */

const STEPS = 48;

const [modelPath, installFolder] = process.argv.slice(2);
if (!modelPath || !installFolder) throw new Error("usage: record-greedy.mjs MODEL.gguf FOLDER_WITH_NODE_LLAMA_CPP");
const entry = createRequire(resolve(installFolder, "package.json")).resolve("node-llama-cpp");
const { getLlama } = /** @type {NodeLlamaCpp} */ (await import(pathToFileURL(entry).href));

const data = new URL("../test/fidelity/data/", import.meta.url);
const index = readFileSync(new URL("index.json", data), "utf8");
const { cases } = /** @type {{ cases: { name: string, prompt: string, promptIds: number[] }[] }} */ (JSON.parse(index));

const llama = await getLlama({ gpu: false, build: "never" });
const model = await llama.loadModel({ modelPath: resolve(modelPath) });
/** @type {string[]} */
const lines = [];
for (const { name, prompt, promptIds } of cases) {
  const tokenized = Array.from(model.tokenize(prompt, true)).join();
  if (tokenized !== promptIds.join()) process.stdout.write(`${name}: llama.cpp tokenizes it as ${tokenized}\n`);
  const context = await model.createContext({ contextSize: 1024, batchSize: 1024, threads: 1 });
  /** @type {number[]} */
  const ids = [];
  for await (const id of context.getSequence().evaluate(promptIds, { temperature: 0, yieldEogToken: true })) {
    ids.push(id);
    if (ids.length === STEPS || model.isEogToken(id)) break;
  }
  await context.dispose();
  lines.push(`  ${JSON.stringify(name)}: [${ids.join(", ")}]`);
  process.stdout.write(`${name}: ${ids.length} tokens, ${JSON.stringify(model.detokenize(ids, true))}\n`);
}
writeFileSync(new URL("greedy.json", data), `{\n${lines.join(",\n")}\n}\n`);
await llama.dispose();
