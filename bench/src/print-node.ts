import { printContest } from "./print-contest.ts";
import type { DecodeProfile } from "./node/decode-profile.ts";
import type { DraftFigures } from "./node/measure-drafts.ts";
import type { NodeFigures, Outcome } from "./report.ts";
import { formatNumber, formatRatio, formatShare, formatTable } from "./table.ts";

/** Each of Longtab's entries beside its peers, where the time of a step goes, and what drafts do. */
export function printNode({ own, where, entries, profile, drafts }: NodeFigures): string {
  const peers = entries.filter(({ name }) => !own.includes(name));
  const contests = entries
    .filter(({ name }) => own.includes(name))
    .map((entry) => [where[entry.name], printContest([entry, ...peers])].filter((line) => line !== undefined).join("\n\n"));
  const steps = printed("Where the time of a step goes", profile, (found) => found.steps.map(printProfile).join("\n\n"));
  const blocks = [...contests, steps];
  if (drafts) blocks.push(printed("Drafts", drafts, ({ texts }) => printDrafts(texts)));
  return blocks.join("\n\n");
}

function printed<T>(title: string, outcome: Outcome<T>, print: (figures: T) => string): string {
  return outcome.state === "measured" ? print(outcome) : `${title}: not measured: ${outcome.reason}`;
}

function printProfile({ context, clock, parts }: DecodeProfile): string {
  const total = parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = parts.map(({ name, calls, milliseconds }) => [
    name,
    `${calls}`,
    formatNumber(milliseconds),
    `${((milliseconds / total) * 100).toFixed(1)}%`,
  ]);
  const [calls, milliseconds] = clock === "GPU" ? ["dispatches", "GPU ms"] : ["calls", "ms"];
  const columns = [`one token at context ${context}`, calls, milliseconds, "share"].map((title, index) => ({
    title,
    align: index === 0 ? ("left" as const) : ("right" as const),
  }));
  return formatTable(columns, [...rows, ["in sum", "", formatNumber(total), ""]]);
}

function printDrafts(texts: readonly DraftFigures[]): string {
  const titles = ["n-gram drafts", "prompt", "decoded", "tok/s without", "with", "with is", "foreseen", "tokens a step", "same tokens"];
  return formatTable(
    titles.map((title, index) => ({ title, align: index === 0 ? ("left" as const) : ("right" as const) })),
    texts.map((figures) => [
      `${figures.text} (${figures.simd} SIMD)`,
      `${figures.promptTokens}`,
      `${figures.decodedTokens}`,
      formatNumber(figures.without),
      formatNumber(figures.with),
      formatRatio(figures.with / figures.without),
      formatShare(figures.foreseen),
      formatNumber(figures.tokensPerStep),
      figures.sameTokens ? "yes" : "NO",
    ]),
  );
}
