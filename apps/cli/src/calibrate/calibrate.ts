import { calibrate as calibrateModel, calibratePrecision, continuedTokens } from "@longtab/calibration";
import type { ContextOptions, HeadMap, MappedPrecision } from "@longtab/attention";
import type { CalibrationProgress } from "@longtab/calibration";
import { LongtabError } from "@longtab/errors";
import { cacheShape, readConfig } from "@longtab/model";
import type { ModelConfig } from "@longtab/model";
import { Tokenizer } from "@longtab/tokenizer";
import { chooseScenes } from "../eval/scenes.ts";
import { openTexts } from "../eval/texts.ts";
import type { BookText } from "../eval/texts.ts";
import { checkWritable, writeJson } from "../json-file.ts";
import { openFile, openModel, placeOptions } from "../model.ts";
import { parseOptions, required } from "../options.ts";

const verbOptions = {
  model: "string",
  out: "string",
  text: "string",
  share: "number",
  bits: "number",
  tokens: "count",
  needles: "count",
  trials: "count",
  ...placeOptions,
} as const;

type Arguments = ReturnType<typeof parseOptions<typeof verbOptions>>["options"];

/** `calibrate`: finds the heads that retrieve and writes a head map, where it is asked for with a precision for each layer. */
export async function calibrate(args: string[]): Promise<number> {
  const { options: o } = parseOptions(args, verbOptions);
  const [model, out] = [required(o.model, "model"), required(o.out, "out")];
  checkShare(o.share);
  checkBits(o.bits);
  checkTokens(o.tokens);
  await checkWritable(out);
  const texts = await openTexts(o.text);
  const map = await findHeads(model, o, texts);
  await writeJson(out, map);
  for (const row of map.quality ?? []) process.stdout.write(`${JSON.stringify(row)}\n`);
  if (o.bits === undefined) return 0;
  const precision = await findPrecision(model, o, o.bits, texts, map);
  const method = `${map.method}. Precision: fewer bits where each costs least KL of the output, layers alone, to ${o.bits} bits`;
  await writeJson(out, { ...map, precision, method });
  process.stdout.write(`${JSON.stringify({ precision })}\n`);
  return 0;
}

async function findHeads(model: string, o: Arguments, texts: readonly BookText[]): Promise<HeadMap> {
  const { file, backend } = await openModel(model, o, { policy: "quest" });
  try {
    const config = readConfig(file);
    const tokenizer = Tokenizer.fromMetadata(file.metadata);
    const tokens = promptTokens(o, config);
    return await calibrateModel(backend, tokenizer, {
      model: config.name,
      shape: cacheShape(config),
      trained: config.contextLength,
      tokens,
      ...(o.share !== undefined && { share: o.share }),
      ...(o.needles !== undefined && { needles: o.needles }),
      ...(o.trials !== undefined && { trials: o.trials }),
      sinks: o.sinks,
      recent: o.recent,
      text: { name: texts.map(({ name }) => name).join(", "), excerpts: chooseExcerpts(tokenizer, texts, tokens) },
      onProgress: tell,
    });
  } finally {
    backend.dispose();
  }
}

/** Stored precision is decided when a model is loaded: every layer is tried by loads of its own. */
async function findPrecision(
  model: string,
  o: Arguments,
  bits: number,
  texts: readonly BookText[],
  map: HeadMap,
): Promise<readonly MappedPrecision[]> {
  const { source, file } = await openFile(model);
  await source.close();
  const tokens = promptTokens(o, readConfig(file));
  const [one, other] = chooseExcerpts(Tokenizer.fromMetadata(file.metadata), texts, tokens).slice(-2);
  return calibratePrecision(
    async (precision) => {
      const stored: ContextOptions = precision ? { kv: "mixed", headMap: { ...map, precision } } : { kv: "f16" };
      return (await openModel(model, o, { policy: "dense", ...stored }, { quiet: true })).backend;
    },
    {
      layers: map.streaming.length,
      bits,
      texts: [one, other].flatMap((ids) => (ids ? [{ ids, scored: continuedTokens }] : [])),
      onProgress: (done, total) => tell({ phase: "precision", done, total }),
    },
  );
}

function promptTokens({ tokens }: Arguments, { contextLength }: ModelConfig): number {
  return tokens ?? Math.min(2048, contextLength >> 1);
}

function chooseExcerpts(tokenizer: Tokenizer, texts: readonly BookText[], tokens: number): Uint32Array[] {
  return chooseScenes(tokenizer, texts, excerpts, tokens + continuedTokens).map(({ ids }) => ids);
}

/** Of the texts: two that numbers are hidden in, two to compare maps on, four to choose heads by. */
const excerpts = 8;

function checkShare(share: number | undefined): void {
  if (share === undefined || (share > 0 && share <= 1)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: "--share says how many of the heads may stream",
    value: share,
    limit: "more than 0, up to 1",
    remedy: "leave it out for a third",
  });
}

function checkBits(bits: number | undefined): void {
  if (bits === undefined || (bits >= 4 && bits <= 8)) return;
  throw new LongtabError({
    code: "invalid-option",
    what: "--bits says how many bits a number of the cache has on average, over all layers",
    value: bits,
    limit: "4 to 8",
    remedy: "leave it out for a map that says nothing of precision",
  });
}

/** A prompt has a question, an answer and numbers to look for. */
const fewestTokens = 64;

function checkTokens(tokens: number | undefined): void {
  if (tokens === undefined || tokens >= fewestTokens) return;
  throw new LongtabError({
    code: "invalid-option",
    what: "So few tokens leave nothing to hide a number in",
    value: tokens,
    limit: `at least ${fewestTokens}`,
    remedy: "leave --tokens out",
  });
}

function tell({ phase, done, total }: Omit<CalibrationProgress, "phase"> & { phase: string }): void {
  process.stderr.write(`${phase}: ${done} of ${total}\n`);
}
