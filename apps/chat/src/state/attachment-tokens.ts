import { effect, signal } from "@preact/signals";
import { textOf } from "./attached-texts.ts";
import type { Attachment } from "./attachment.ts";
import { attachedHere } from "./attachments.ts";
import { shownExchanges } from "./conversations.ts";
import { loadedModel } from "./model.ts";

/** Tokens of each text, as the loaded model counts them; counted once, because a book takes the worker a second. */
const counts = signal<ReadonlyMap<string, number>>(new Map());

/** Characters of running text in a token, roughly, over the languages and models at hand. */
export const CHARACTERS_PER_TOKEN = 3.5;

/** As the loaded model counts it or, until it has, about. */
export function tokensOf({ id, characters }: Attachment): { tokens: number; exact: boolean } {
  const counted = counts.value.get(id);
  return { tokens: counted ?? Math.ceil(characters / CHARACTERS_PER_TOKEN), exact: counted !== undefined };
}

export function sumOfTokens(attachments: readonly Attachment[]): number {
  return attachments.reduce((sum, attachment) => sum + tokensOf(attachment).tokens, 0);
}

/** Counts what is attached here whenever another model can. */
export function startCounting(): void {
  effect(() => {
    const model = loadedModel.value;
    const asked = new Set<string>();
    counts.value = new Map();
    if (model === null) return undefined;
    let last: Promise<void> = Promise.resolve();
    const count = async (id: string): Promise<void> => {
      const content = textOf(id);
      if (content === undefined || loadedModel.peek() !== model) return;
      const tokens = await model.countTokens([{ role: "user", content }]).catch(() => undefined);
      if (tokens !== undefined && loadedModel.peek() === model) counts.value = new Map([...counts.peek(), [id, tokens]]);
    };
    return effect(() => {
      for (const { id } of [...attachedHere.value, ...shownExchanges.value.flatMap(({ attachments = [] }) => attachments)]) {
        if (asked.has(id)) continue;
        asked.add(id);
        last = last.then(async () => count(id));
      }
    });
  });
}
