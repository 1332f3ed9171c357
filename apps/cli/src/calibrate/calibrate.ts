import { writeFile } from "node:fs/promises";
import { calibrate as calibrateModel } from "@longtab/calibration";
import type { CalibrationProgress } from "@longtab/calibration";
import { cacheShape, readConfig } from "@longtab/model";
import { Tokenizer } from "@longtab/tokenizer";
import { takeTokens } from "../eval/scenes.ts";
import { openTexts } from "../eval/texts.ts";
import { openModel, placeOptions } from "../model.ts";
import { parseOptions, required } from "../options.ts";

/** `calibrate`: finds the heads that retrieve and writes a head map. */
export async function calibrate(args: string[]): Promise<number> {
  const { options: o } = parseOptions(args, {
    model: "string",
    out: "string",
    text: "string",
    share: "number",
    tokens: "number",
    needles: "number",
    trials: "number",
    ...placeOptions,
  });
  const [model, out] = [required(o.model, "model"), required(o.out, "out")];
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
    await writeFile(out, `${JSON.stringify(map)}\n`);
    for (const row of map.quality ?? []) process.stdout.write(`${JSON.stringify(row)}\n`);
    return 0;
  } finally {
    backend.dispose();
  }
}

function tell({ phase, done, total }: CalibrationProgress): void {
  process.stderr.write(`${phase}: ${done} of ${total}\n`);
}
