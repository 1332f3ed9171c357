import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { pageTokens } from "@longtab/attention";
import type { BackendKind } from "longtab";
import type { RecalledFigures } from "../../page/longtab.ts";
import type { RuntimeInput } from "../node/runtime-input.ts";
import { median } from "../statistics.ts";
import { withProfile } from "./profile.ts";
import { describeModel } from "./run-longtab-page.ts";
import { serveBench } from "./server.ts";

/** A session that a browser keeps and brings back, beside as many bytes that mean nothing. */
export interface SessionFigures {
  /** What it ran on, for people. */
  where: string;
  tokens: number;
  bytes: number;
  /** Reading the prompt: what a session that is kept saves. */
  prefillSeconds: number;
  writeSeconds: number;
  restoreSeconds: number;
  rawWriteSeconds: number;
  rawReadSeconds: number;
}

export interface SessionOptions {
  executable: string | undefined;
  backend: BackendKind;
  rounds: number;
  say: (text: string) => void;
}

/** Where scripts/bench.mjs builds the pages: beside this program. */
const pages = fileURLToPath(new URL("page", import.meta.url));

/** Tokens of the answer, and what the chat's own words may take. */
const slack = 256;

/** Reads a prompt in one page, and brings its session back in others, one for each round; medians. */
export async function measureSession(
  { model, prompts, context }: RuntimeInput,
  { executable, backend, rounds, say }: SessionOptions,
): Promise<SessionFigures> {
  const [prompt] = prompts;
  if (executable === undefined) throw new Error("no Chromium or Chrome was found: install one, or name one in LONGTAB_BROWSER");
  if (prompt === undefined) throw new Error("there is no prompt");
  const server = await serveBench(pages, "", model);
  try {
    return await withProfile(executable, async (profile) => {
      const options = {
        url: `${server.url}models/${basename(model)}`,
        contextLength: prompt.tokens + slack,
        backend,
        ...(context && { context }),
      };
      const openPage = async (): ReturnType<typeof profile.open> => profile.open(`${server.url}isolated/longtab.html`);
      say(`A session of ${prompt.tokens} tokens in Chromium ...`);
      const first = await openPage();
      const { model: info } = await first.evaluate((asked) => window.longtabHarness.load(asked), options);
      const kept = await first.evaluate(([text, tokens]) => window.longtabHarness.keep(text, tokens), [
        prompt.text,
        prompt.tokens,
      ] as const);
      await first.close();
      const recalled: RecalledFigures[] = [];
      for (let round = 1; round <= rounds; round++) {
        say(`A session brought back in Chromium, round ${round} of ${rounds} ...`);
        const page = await openPage();
        await page.evaluate((asked) => window.longtabHarness.load(asked), options);
        recalled.push(await page.evaluate((question) => window.longtabHarness.recall(question), kept.question));
        await page.close();
      }
      const worst = Math.min(...recalled.map(({ cachedTokens }) => cachedTokens));
      // The last page may be read again: one that is complete cannot be gone back into.
      if (worst < kept.promptTokens - 2 * pageTokens) throw new Error(`only ${worst} of ${kept.promptTokens} tokens came back`);
      const stored = [kept, ...recalled].map((figures) => figures.stored);
      return {
        where: describeModel(info),
        tokens: kept.promptTokens,
        bytes: kept.stored.bytes,
        prefillSeconds: kept.prefillSeconds,
        writeSeconds: median(stored.map(({ writeSeconds }) => writeSeconds)),
        restoreSeconds: median(recalled.map(({ restoreSeconds }) => restoreSeconds)),
        rawWriteSeconds: median(stored.map(({ rawWriteSeconds }) => rawWriteSeconds)),
        rawReadSeconds: median(stored.map(({ rawReadSeconds }) => rawReadSeconds)),
      };
    });
  } finally {
    await server.close();
  }
}
