import { printBrowser } from "./print-browser.ts";
import { printContext } from "./print-context.ts";
import { printKernels } from "./print-kernels.ts";
import { printNode } from "./print-node.ts";
import { printProducts } from "./print-products.ts";
import { printSession } from "./print-session.ts";
import type { Outcome, Report } from "./report.ts";
import { formatNumber, formatTable } from "./table.ts";
import { judgeTargets } from "./targets.ts";

/** The report as text: a block for each section, what was aimed at last. */
export function printReport(report: Report): string {
  const blocks = [printHead(report)];
  if (report.kernels) blocks.push(section("Kernels", report.kernels, printKernels));
  for (const products of report.products ?? []) blocks.push(section("Kernels", products, printProducts));
  if (report.node) blocks.push(section("Longtab in Node", report.node, printNode));
  if (report.context) blocks.push(section("Context policies in Node", report.context, printContext));
  if (report.session) blocks.push(section("A session in Chromium", report.session, printSession));
  if (report.browser) blocks.push(section("Longtab in Chromium", report.browser, printBrowser));
  const targets = judgeTargets(report);
  if (targets.length > 0) blocks.push(printTargets(targets));
  return `\n${blocks.join("\n\n")}\n`;
}

function printHead({ machine, model, settings }: Report): string {
  const { runs, decodeTokens } = settings;
  const rounds = runs === 1 ? "one round" : `medians of ${runs} rounds (the range, as a share of the median)`;
  const load = `load average ${formatNumber(machine.loadAverage)} at the start`;
  return [
    `${model.file}, ${formatNumber(model.bytes / 1e6)} MB; ${rounds}, ${decodeTokens} tokens decoded`,
    `${machine.cpu}, ${machine.cores} cores, ${formatNumber(machine.memoryBytes / 2 ** 30)} GiB; ${machine.platform}, Node ${machine.node}; ${load}`,
    machine.date,
  ].join("\n");
}

function section<T>(title: string, outcome: Outcome<T>, print: (figures: T) => string): string {
  return outcome.state === "measured" ? `${underlined(title)}\n${print(outcome)}` : `${underlined(title)}\nnot measured: ${outcome.reason}`;
}

function printTargets(targets: ReturnType<typeof judgeTargets>): string {
  const columns = [
    { title: "target", align: "left" as const },
    { title: "measured", align: "right" as const },
    { title: "aim", align: "right" as const },
    { title: "", align: "left" as const },
  ];
  return formatTable(
    columns,
    targets.map(({ what, measured, aim, met }) => [what, measured, aim, met ? "met" : "not met"]),
  );
}

function underlined(title: string): string {
  return `${title}\n${"-".repeat(title.length)}`;
}
