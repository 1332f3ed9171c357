import type { Estimate } from "@longtab/calibration";
import type { Row } from "./measures.ts";
import type { Header } from "./parts.ts";
import type { Judgement } from "./targets.ts";

const titles: Record<string, string> = {
  equality: "Full budget: every policy is the dense model",
  duo: "Duo",
  quest: "Quest",
  union: "Duo and quest",
  chosen: "As chosen",
  precision: "Precision of keys and values",
  options: "What else was tried",
  passkey: "Passkeys",
  "eight needles": "Eight needles of one kind",
  streaming: "Streaming",
  StreamEval: "StreamEval",
  far: "Past the trained window",
};

/** Measures in the order of the tables' columns, before any others; those that no row of a suite has are left out. */
const columns = "kl,kl p99,top1,nll,dense nll,right,logprob,nll inside,nll past,drift,cost inside,above S 4,growth".split(",");

/** The tables as Markdown: a value, and its standard error where it has one. */
export function formatReport(header: Header, rows: readonly Row[], judgements: readonly Judgement[]): string {
  const suites = [...new Set(rows.map(({ suite }) => suite))];
  const about = Object.entries(header).map(([name, value]) => `${name} ${value}`);
  const met = judgements.filter((judgement) => judgement.met).length;
  return [
    "# What context policies change",
    "",
    `${about.join(", ")}. KL is KL(dense || policy) in nats a token; ± is one standard error of the mean.`,
    "",
    `${met} of ${judgements.length} targets that were measured are met.`,
    "",
    ...suites.map((suite) => formatSuite(suite, rows, judgements)),
  ].join("\n");
}

function formatSuite(suite: string, rows: readonly Row[], judgements: readonly Judgement[]): string {
  const own = rows.filter((row) => row.suite === suite);
  const measured = new Set(own.flatMap(({ measures }) => Object.keys(measures)));
  const used = [...new Set([...columns, ...measured])].filter((name) => measured.has(name));
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    `## ${titles[suite] ?? suite}`,
    "",
    line(["cell", "n", ...used, "targets"]),
    line(["---", "---:", ...used.map(() => "---:"), "---"]),
    ...own.map(({ cell, measures }) => {
      const count = Math.max(...Object.values(measures).map((measure) => measure.count));
      const judged = judgements.filter((judgement) => judgement.suite === suite && judgement.cell === cell).map(formatJudgement);
      return line([cell, String(count), ...used.map((name) => formatEstimate(measures[name])), judged.join("; ")]);
    }),
    "",
  ].join("\n");
}

function formatJudgement({ measure, aim, value, met }: Judgement): string {
  const relative = aim.includes(" of ") ? ` (${formatNumber(value)})` : "";
  return `${met ? "met" : "**missed**"}: ${measure} ${aim}${relative}`;
}

function formatEstimate(estimate: Estimate | undefined): string {
  if (!estimate) return "";
  const { mean, error } = estimate;
  return error === 0 ? formatNumber(mean) : `${formatNumber(mean)} ± ${formatNumber(error, 1)}`;
}

/** Three digits, and no more than five behind the point. */
function formatNumber(value: number, digits = 3): string {
  if (value === 0 || Math.abs(value) < 1e-7) return "0";
  return Math.abs(value) < 1e-4 ? value.toExponential(1) : String(Number(value.toPrecision(digits)));
}
