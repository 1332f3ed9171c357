import { calibrate as calibrateModel } from "@longtab/calibration";
import type { CalibrationProgress } from "@longtab/calibration";
import { LongtabError } from "@longtab/errors";
import { cacheShape, readConfig } from "@longtab/model";
import { Tokenizer } from "@longtab/tokenizer";
import { takeTokens } from "../eval/scenes.ts";
import { openTexts } from "../eval/texts.ts";
import { checkWritable, writeJson } from "../json-file.ts";
import { openModel, placeOptions } from "../model.ts";
import { parseOptions, required } from "../options.ts";

/** `calibrate`: finds the heads that retrieve and writes a head map. */
export async function calibrate(args: string[]): Promise<number> {
  const { options: o } = parseOptions(args, {
    model: "string",
    out: "string",
    text: "string",
    share: "number",
    tokens: "count",
    needles: "count",
    trials: "count",
    ...placeOptions,
  });
  const [model, out] = [required(o.model, "model"), required(o.out, "out")];
  checkShare(o.share);
  checkTokens(o.tokens);
  await checkWritable(out);
  const [text] = await openTexts(o.text);
  const { file, backend } = await openModel(model, o, { policy: "quest" });
  try {
    const config = readConfig(file);
    const tokenizer = Tokenizer.fromMetadata(file.metadata);
    const tokens = o.tokens ?? Math.min(1024, config.contextLength >> 1);
    const map = await calibrateModel(backend, tokenizer, {
      model: config.name,
      shape: cacheShape(config),
      trained: config.contextLength,
      tokens,
      ...(o.share !== undefined && { share: o.share }),
      ...(o.needles !== undefined && { needles: o.needles }),
      ...(o.trials !== undefined && { trials: o.trials }),
      sinks: o.sinks,
      recent: o.recent,
      text: text && { name: text.name, ids: takeTokens(tokenizer, text, text.text.length >> 2, 5 * tokens) },
      onProgress: tell,
    });
    await writeJson(out, map);
    for (const row of map.quality ?? []) process.stdout.write(`${JSON.stringify(row)}\n`);
    return 0;
  } finally {
    backend.dispose();
  }
}

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

function tell({ phase, done, total }: CalibrationProgress): void {
  process.stderr.write(`${phase}: ${done} of ${total}\n`);
}
