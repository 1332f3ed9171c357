import type { ContextOptions, HeadMap } from "@longtab/attention";
import type { NeedleKind } from "@longtab/calibration";

/** A row of a table: one way to attend, measured at one place. */
interface CellBase {
  suite: string;
  cell: string;
  context: ContextOptions;
  /** Whether the prompt is read by this policy too; else it is read densely, and the policy begins with the steps behind it. */
  readsPrompt?: boolean;
}

/** Distributions against the dense model's, over the tokens that follow `at` tokens of a book. */
export interface FidelityCell extends CellBase {
  kind: "fidelity";
  at: number;
}

/** Numbers hidden in documents of `at` tokens. */
export interface NeedleCell extends CellBase {
  kind: "needles";
  at: number;
  needles: NeedleKind;
  /** Documents, and numbers in each: together as many questions. */
  documents: number;
  count: number;
  /** Whether the policy meets all of the question in steps, or only what comes behind it. */
  question: "read" | "steps";
}

/** The loss of every token of a long text, by window. */
export interface StreamingCell extends CellBase {
  kind: "streaming";
  /** Where it ends: the dense model's ends with the trained window. */
  tokens: number;
  /**
   * Times it is read. Every turn begins a trained window later than the one before and ends with what it left out, so that over all the turns that a text has
   * room for, what stands inside the trained window is the same text as what stands past it.
   */
  turns: number;
}

/** Lines with a number each, and questions about the line `back` lines back. */
export interface RegisterCell extends CellBase {
  kind: "registers";
  back: number;
}

export type Cell = FidelityCell | NeedleCell | StreamingCell | RegisterCell;

/** How much is measured. */
export interface Sizes {
  /** Tokens of context, ascending. */
  contexts: readonly number[];
  /** Places in books for each context, and tokens scored at each. */
  samples: number;
  tokens: number;
  /** Documents for each context, and numbers hidden in each: one, for a prompt of its own for every question. */
  documents: number;
  needles: number;
  /** Tokens of the streamed text, and of a window of it. */
  streamed: number;
  window: number;
  /** Lengths of the documents past the trained window. */
  far: readonly number[];
  /** Lines of a register, and how far back is asked. */
  lines: number;
  back: readonly number[];
}

/** As the targets ask. */
export function fullSizes(trained: number): Sizes {
  return {
    contexts: [2048, 4096, 7168].filter((tokens) => tokens < trained),
    samples: 6,
    tokens: 72,
    documents: 20,
    needles: 1,
    streamed: 4 * trained,
    window: 1024,
    far: [2 * trained, 4 * trained],
    lines: 200,
    back: [5, 10, 20, 30, 40, 60],
  };
}

/** Enough to see that everything runs. */
export function smallSizes(trained: number): Sizes {
  const tokens = Math.min(512, Math.floor(trained / 32) * 16);
  return {
    contexts: [tokens],
    samples: 1,
    tokens: 12,
    documents: 1,
    needles: 2,
    streamed: Math.min(2 * trained, 640),
    window: 64,
    far: [],
    lines: 20,
    back: [5],
  };
}

/** Every cell of the tables. Those of duo and of mixed precision need a head map that says it, and are left out without. */
export function makeCells(sizes: Sizes, trained: number, small: boolean, headMap: HeadMap | undefined): Cell[] {
  const { contexts } = sizes;
  const hasMap = headMap !== undefined;
  const budgets = small ? [contexts[0] ?? 0].map((tokens) => Math.max(64, Math.floor(tokens / 32) * 16)) : [512, 1024];
  const local = small ? { sinks: 16, recent: 16 } : {};
  const duo = small ? { sinks: 16, recent: 32 } : {};
  const at = (policy: string, tokens: number): string => `${policy} at ${tokens}`;
  const cells: Cell[] = [];
  const fidelity = (suite: string, name: string, tokens: number, context: ContextOptions, readsPrompt = false): void =>
    void cells.push({ kind: "fidelity", suite, cell: at(name, tokens), at: tokens, context, readsPrompt });

  const most = Math.ceil(((contexts[0] ?? 0) + sizes.tokens) / 16) * 16 + 64;
  const whole = Math.min(most, trained - 32);
  fidelity("equality", "streaming", contexts[0] ?? 0, { policy: "streaming", sinks: 4, recent: whole - 36 });
  fidelity("equality", "quest", contexts[0] ?? 0, { policy: "quest", budget: most + 128 });
  fidelity("equality", "far", contexts[0] ?? 0, { policy: "far", budget: most + 128 });
  if (hasMap) fidelity("equality", "duo", contexts[0] ?? 0, { policy: "duo", recent: most });
  if (hasMap) fidelity("equality", "duo+quest", contexts[0] ?? 0, { policy: "duo+quest", budget: most + 128, recent: most });

  for (const tokens of contexts) {
    if (hasMap) {
      fidelity("duo", "duo", tokens, { policy: "duo", ...duo });
      if (tokens !== contexts.at(-1) || small) fidelity("duo", "duo, prompt too", tokens, { policy: "duo", ...duo }, true);
    }
    for (const budget of budgets)
      if (budget < tokens / 2 || small) fidelity("quest", `quest ${budget}`, tokens, { policy: "quest", budget, ...local });
  }
  const middle = contexts[Math.min(1, contexts.length - 1)] ?? 0;
  for (const budget of budgets) {
    fidelity("quest", `quest ${budget}, the paper's rule`, middle, { policy: "quest", budget, runTokens: 16, ...local });
    if (hasMap) fidelity("union", `duo+quest ${budget} kv8`, middle, { policy: "duo+quest", budget, kv: "kv8", ...local });
  }
  const precisions = ["kv8", "k8v4", "kv4", ...(headMap?.precision ? ["mixed" as const] : [])] as const;
  for (const kv of precisions) fidelity("precision", `dense ${kv}`, contexts[0] ?? 0, { policy: "dense", kv });
  // What was tried besides: selections that hold for several steps, and longer runs.
  const [budget = 0] = budgets;
  for (const every of [2, 4] as const)
    fidelity("options", `quest ${budget}, selected every ${every} steps`, middle, { policy: "quest", budget, every, ...local });
  fidelity("options", `quest ${budget}, runs of 8`, middle, { policy: "quest", budget, runTokens: 8, ...local });

  for (const tokens of contexts) cells.push(...makeNeedleCells(sizes, tokens, budgets, { local, duo }, hasMap, small));
  cells.push(...makeStreamingCells(sizes, trained, small), ...makeRegisterCells(sizes, small));
  for (const tokens of sizes.far) cells.push(...makeFarCells(sizes, tokens));
  return cells;
}

/** Numbers in documents that are longer than the trained window. */
function makeFarCells({ documents, needles }: Sizes, tokens: number): NeedleCell[] {
  const shape = { kind: "needles", suite: "far", at: tokens, question: "read", readsPrompt: true } as const;
  const alone = { ...shape, needles: "names", documents, count: needles } as const;
  // Harder: each number must be told from all the others.
  const together = { ...shape, needles: "facts", documents: 1, count: documents * needles } as const;
  const cells: NeedleCell[] = [{ ...alone, cell: `streaming at ${tokens}`, context: { policy: "streaming" } }];
  for (const budget of [1024, 2048]) {
    const context = { policy: "far", budget } as const;
    cells.push({ ...alone, cell: `far ${budget} at ${tokens}`, context });
    cells.push({ ...together, cell: `${together.count} in one document, far ${budget} at ${tokens}`, context });
  }
  return cells;
}

/** Cells of a way to attend that the user chose, in place of all others: fidelity and passkeys, at every context. */
export function makeChosenCells({ contexts, documents, needles }: Sizes, context: ContextOptions): Cell[] {
  const { policy = "auto", budget, sinks, recent, runTokens, every, kv } = context;
  const numbers = Object.entries({ budget, sinks, recent, runs: runTokens, every }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  const name = [policy, ...numbers, ...(kv === undefined ? [] : [kv])].join(" ");
  return contexts.flatMap((at): Cell[] => {
    const asked = { kind: "needles", suite: "passkey", at, needles: "facts", documents, count: needles, question: "read" } as const;
    return [
      { kind: "fidelity", suite: "chosen", cell: `${name} at ${at}`, at, context },
      { ...asked, cell: `dense at ${at}`, context: { policy: "dense" } },
      { ...asked, cell: `${name} at ${at}`, context },
    ];
  });
}

type Windows = Record<"local" | "duo", Pick<ContextOptions, "sinks" | "recent">>;

function makeNeedleCells(
  sizes: Sizes,
  at: number,
  budgets: number[],
  { local, duo }: Windows,
  hasMap: boolean,
  small: boolean,
): NeedleCell[] {
  const ways: [string, ContextOptions][] = [
    ["dense", { policy: "dense" }],
    ...budgets.map((budget): [string, ContextOptions] => [`quest ${budget}`, { policy: "quest", budget, ...local }]),
  ];
  if (hasMap) {
    ways.push(["duo", { policy: "duo", ...duo }]);
    for (const budget of budgets) ways.push([`duo+quest ${budget} kv8`, { policy: "duo+quest", budget, kv: "kv8", ...local }]);
  }
  return ways.flatMap(([name, context]) => {
    const shape = { kind: "needles", cell: `${name} at ${at}`, at, context, question: "read" } as const;
    const passkey = { ...shape, suite: "passkey", needles: "facts", documents: sizes.documents, count: sizes.needles } as const;
    const eight = { ...shape, suite: "eight needles", needles: "names", documents: Math.ceil(sizes.documents / 8), count: 8 } as const;
    return small || name.includes("kv8") ? [passkey] : [passkey, eight];
  });
}

function makeStreamingCells({ streamed, window }: Sizes, trained: number, small: boolean): StreamingCell[] {
  const recents = small ? [2 * window - 4] : [508, 2044];
  const shape = { kind: "streaming", suite: "streaming", tokens: streamed, turns: 1 } as const;
  const turns = Math.max(1, Math.floor(streamed / trained));
  return [
    { ...shape, cell: "dense", context: { policy: "dense" }, tokens: Math.min(trained, streamed) },
    ...recents.map((recent): StreamingCell => ({
      ...shape,
      cell: `S 4, R ${recent}`,
      context: { policy: "streaming", sinks: 4, recent },
      turns,
    })),
    { ...shape, cell: `S 0, R ${recents[0]}`, context: { policy: "streaming", sinks: 0, recent: recents[0] } },
  ];
}

function makeRegisterCells({ back }: Sizes, small: boolean): RegisterCell[] {
  return back.flatMap((lines) => [
    { kind: "registers", suite: "StreamEval", cell: `dense, ${lines} lines back`, context: { policy: "dense" }, back: lines },
    {
      kind: "registers",
      suite: "StreamEval",
      cell: `streaming, ${lines} lines back`,
      context: { policy: "streaming", sinks: 4, recent: small ? 60 : 508 },
      back: lines,
    },
  ]);
}
