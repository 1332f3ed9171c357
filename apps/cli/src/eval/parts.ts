import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LongtabError } from "@longtab/errors";

/** What one scene (a place in a text, a document of passkeys) gave for one cell of the tables. */
export interface Part {
  suite: string;
  cell: string;
  scene: string;
  /** By measure: one number for each token or question. */
  values: Record<string, number[]>;
  seconds: number;
}

/** What all parts of a file have in common; parts of other settings are not mixed in. */
export type Header = Record<string, string | number>;

/**
 * The parts that are measured, each written the moment it is there, so that a run that was stopped goes on where it was. A line each; a line that a
 * stop cut short is measured again.
 */
export class Parts {
  readonly #path: string;
  readonly #parts = new Map<string, Part>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws LongtabError `invalid-option` where the folder holds parts of something else. */
  static async open(folder: string, header: Header): Promise<Parts> {
    await mkdir(folder, { recursive: true });
    const parts = new Parts(join(folder, "parts.jsonl"));
    const [first, ...lines] = (await readFile(parts.#path, "utf8").catch(() => "")).split("\n");
    if (!first) await writeFile(parts.#path, `${JSON.stringify(header)}\n`);
    else if (first !== JSON.stringify(header)) throw otherParts(folder, first, header);
    for (const line of lines) {
      const part = parse(line);
      if (part) parts.#parts.set(key(part), part);
    }
    // A line that was cut short must not swallow the next one.
    if (lines.length > 0 && lines.at(-1) !== "") await appendFile(parts.#path, "\n");
    return parts;
  }

  has(part: Pick<Part, "suite" | "cell" | "scene">): boolean {
    return this.#parts.has(key(part));
  }

  async add(part: Part): Promise<void> {
    const rounded = { ...part, values: Object.fromEntries(Object.entries(part.values).map(([name, values]) => [name, values.map(round)])) };
    this.#parts.set(key(part), rounded);
    await appendFile(this.#path, `${JSON.stringify(rounded)}\n`);
  }

  all(): Part[] {
    return [...this.#parts.values()];
  }
}

/** Five digits: more than any standard error knows. */
function round(value: number): number {
  return Number(value.toPrecision(5));
}

function key({ suite, cell, scene }: Pick<Part, "suite" | "cell" | "scene">): string {
  return JSON.stringify([suite, cell, scene]);
}

function parse(line: string): Part | undefined {
  try {
    return JSON.parse(line) as Part;
  } catch {
    return undefined;
  }
}

function otherParts(folder: string, found: string, header: Header): LongtabError {
  return new LongtabError({
    code: "invalid-option",
    what: `The folder ${folder} holds results of something else`,
    value: found,
    limit: JSON.stringify(header),
    remedy: "name another folder with --out",
  });
}
