import { LongtabError } from "@longtab/errors";
import { Tokenizer } from "@longtab/tokenizer";
import { checkWritable, readArray, writeJson } from "./json-file.ts";
import { openFile } from "./model.ts";
import { parseOptions, required } from "./options.ts";

/** `tokenize`: array of strings in, array of id arrays out. */
export async function tokenize(args: string[]): Promise<number> {
  const { options } = parseOptions(args, { model: "string", in: "string", out: "string", special: "boolean" });
  const [model, input, output] = [required(options.model, "model"), required(options.in, "in"), required(options.out, "out")];
  await checkWritable(output);
  const { source, file } = await openFile(model);
  await source.close();
  const tokenizer = Tokenizer.fromMetadata(file.metadata);
  const strings = await readArray(input);
  const ids = strings.map((text, index) => {
    if (typeof text !== "string")
      throw new LongtabError({ code: "invalid-option", what: `Element ${index} of ${input} is not a string`, value: typeof text });
    return Array.from(tokenizer.encode(text, { special: options.special ?? false }));
  });
  await writeJson(output, ids);
  return 0;
}
