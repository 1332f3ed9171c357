import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { LongtabError } from "@longtab/errors";
import { placeOptions } from "../model.ts";
import { readContextNames } from "../context.ts";
import { parseOptions, required } from "../options.ts";
import { fullSizes, makeCells, makeChosenCells, smallSizes } from "./cells.ts";
import type { Cell, Sizes } from "./cells.ts";
import { measureFidelity } from "./fidelity.ts";
import { makeRows } from "./measures.ts";
import { measureNeedles } from "./needles.ts";
import { Parts } from "./parts.ts";
import type { Header } from "./parts.ts";
import { measureRegisters } from "./registers.ts";
import { formatReport } from "./report.ts";
import { chooseScenes } from "./scenes.ts";
import { Stage } from "./stage.ts";
import { measureStreaming } from "./streaming.ts";
import { judge } from "./targets.ts";
import { openTexts } from "./texts.ts";
import type { BookText } from "./texts.ts";

/** `eval`: the tables of what policies change, against the dense model. Goes on where an earlier run with the same settings stopped. */
export async function evaluate(args: string[]): Promise<number> {
  const { options: o } = parseOptions(args, {
    model: "string",
    policy: "strings",
    suite: "strings",
    out: "string",
    text: "string",
    small: "boolean",
    report: "boolean",
    ...sizeOptions,
    ...placeOptions,
  });
  const model = required(o.model, "model");
  const texts = await openTexts(o.text);
  const stage = await Stage.open(model, o);
  try {
    const sizes = { ...(o.small ? smallSizes : fullSizes)(stage.trained), ...sizesFrom(o) };
    const chosen = readContextNames(o);
    const all = Object.values(chosen).every((value) => value === undefined)
      ? makeCells(sizes, stage.trained, o.small ?? false, stage.headMap)
      : makeChosenCells(sizes, { policy: "auto", ...chosen });
    const cells = chooseCells(all, o.suite, o.policy);
    const header: Header = { model: basename(model), backend: stage.kind, texts: texts.map(({ name }) => name).join(" and ") };
    const folder = o.out ?? join("eval-results", stage.kind);
    const parts = await Parts.open(folder, header);
    const report = async (): Promise<string> => {
      const rows = makeRows(parts.all(), all, stage.trained, sizes.window);
      const targets = judge(rows);
      const text = formatReport(header, rows, targets);
      await writeFile(join(folder, "results.json"), `${JSON.stringify({ ...header, rows, targets }, undefined, 1)}\n`);
      await writeFile(join(folder, "results.md"), text);
      return text;
    };
    if (!o.report) await measure(stage, parts, cells, texts, sizes, report);
    process.stdout.write(await report());
    return 0;
  } finally {
    stage.dispose();
  }
}

/** How much is measured, where it should be other than the targets ask. */
const sizeOptions = {
  contexts: "string",
  samples: "number",
  tokens: "number",
  documents: "number",
  needles: "number",
  streamed: "number",
} as const;

function sizesFrom(o: {
  contexts?: string;
  samples?: number;
  tokens?: number;
  documents?: number;
  needles?: number;
  streamed?: number;
}): Partial<Sizes> {
  const { contexts, ...numbers } = o;
  const given: Partial<Sizes> =
    contexts === undefined ? {} : { contexts: contexts.split(",").map((text) => whole("contexts", Number(text))) };
  for (const name of ["samples", "tokens", "documents", "needles", "streamed"] as const) {
    const value = numbers[name];
    if (value !== undefined) given[name] = whole(name, value);
  }
  return given;
}

function whole(name: string, value: number): number {
  if (Number.isInteger(value) && value > 0) return value;
  throw new LongtabError({ code: "invalid-option", what: `--${name} takes whole numbers`, value, remedy: "see `npm run longtab -- help`" });
}

function chooseCells(all: readonly Cell[], suites: string[] | undefined, policies: string[] | undefined): Cell[] {
  const policyOf = ({ context }: Cell): string => context.policy ?? "auto";
  checkNames("suite", suites, new Set(all.map(({ suite }) => suite)));
  checkNames("policy", policies, new Set(all.map(policyOf)));
  return all.filter((cell) => (suites?.includes(cell.suite) ?? true) && (policies?.includes(policyOf(cell)) ?? true));
}

function checkNames(what: string, names: readonly string[] | undefined, known: ReadonlySet<string>): void {
  const unknown = names?.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new LongtabError({
    code: "invalid-option",
    what: `There is no such ${what} here`,
    value: unknown,
    limit: [...known].join(", "),
    remedy: "choose one of these; those of duo need a head map",
  });
}

/** Runs the cells, kind by kind; `report` brings the tables up to date after each. */
async function measure(
  stage: Stage,
  parts: Parts,
  cells: readonly Cell[],
  texts: readonly BookText[],
  sizes: Sizes,
  report: () => Promise<unknown>,
): Promise<void> {
  const ofKind = <K extends Cell["kind"]>(kind: K): Extract<Cell, { kind: K }>[] =>
    cells.filter((cell): cell is Extract<Cell, { kind: K }> => cell.kind === kind);
  const fidelity = ofKind("fidelity");
  const longest = Math.max(0, ...fidelity.map(({ at }) => at)) + sizes.tokens + 1;
  if (fidelity.length > 0) {
    await measureFidelity(stage, parts, fidelity, chooseScenes(stage.tokenizer, texts, sizes.samples, longest), sizes.tokens);
    await report();
  }
  await measureNeedles(stage, parts, ofKind("needles"), texts);
  await report();
  await measureRegisters(stage, parts, ofKind("registers"), sizes.lines);
  await report();
  await measureStreaming(stage, parts, ofKind("streaming"), texts, sizes.window);
}
