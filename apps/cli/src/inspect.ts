import { planCpuLoad } from "@longtab/cpu";
import { LongtabError } from "@longtab/errors";
import { metadataToJson } from "@longtab/formats";
import type { ModelFile } from "@longtab/formats";
import { planLoad } from "@longtab/model";
import { openFile } from "./model.ts";
import { parseOptions } from "./options.ts";

/** `inspect`: one JSON line per file; status 1 if any of them could not be read or could not be loaded. */
export async function inspect(args: string[]): Promise<number> {
  const { positionals } = parseOptions(args, {}, true);
  if (positionals.length === 0)
    throw new LongtabError({ code: "invalid-option", what: "No file was named", remedy: "name one or more model files" });
  let status = 0;
  for (const path of positionals) {
    const report = await inspectFile(path);
    if ("error" in report) status = 1;
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }
  return status;
}

async function inspectFile(path: string): Promise<object> {
  try {
    const { source, file } = await openFile(path);
    await source.close();
    const description = { file: path, metadata: metadataToJson(file.metadata), tensors: describeTensors(file) };
    try {
      const { config, contextLength, memory } = planLoad(file);
      const plan = { ...config, contextLength, trainedContextLength: config.contextLength, memory };
      return { ...description, plan: { ...plan, cpu: planForCpu(file) } };
    } catch (error) {
      // A sound file that this runtime cannot run: what it holds is still worth seeing.
      return { ...description, plan: null, error: describeError(error) };
    }
  } catch (error) {
    return { file: path, error: describeError(error) };
  }
}

/** What the processor would take, which may refuse what a graphics card does not. */
function planForCpu(file: ModelFile): object {
  try {
    const { contextLength, memory, roundings } = planCpuLoad(file);
    const { weights, scratch, kvBudget } = memory;
    return { contextLength, memory: { weights, scratch, kvBudget }, roundings };
  } catch (error) {
    return { error: describeError(error) };
  }
}

function describeTensors({ tensors }: ModelFile): object[] {
  return Array.from(tensors.values(), ({ name, type, shape, offset, byteLength }) => ({ name, type, shape, offset, byteLength }));
}

function describeError(error: unknown): { code: string; message: string } {
  const { code, message } = LongtabError.from(error);
  return { code, message };
}
