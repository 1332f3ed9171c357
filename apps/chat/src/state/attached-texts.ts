import { readText, sweepTexts, writeTexts } from "./attachment-store.ts";
import type { Conversation } from "./conversation.ts";

/** Texts at hand, by the id of their attachment: of the conversations that were opened, and of what waits to be sent. */
const texts = new Map<string, string>();

export function textOf(attachmentId: string): string | undefined {
  return texts.get(attachmentId);
}

export function keepText(attachmentId: string, text: string): void {
  texts.set(attachmentId, text);
}

/** Brings the texts of a conversation to hand, before it is shown. One that is gone is said to be where it is needed. */
export async function bringTextsOf({ exchanges }: Conversation): Promise<void> {
  await bringTexts(exchanges.flatMap(({ attachments = [] }) => attachments.map(({ id }) => id)));
}

/** Stores the texts of a conversation again that is back: another tab, or an earlier deletion's sweep, may have deleted them meanwhile. */
export async function keepTextsOf({ exchanges }: Pick<Conversation, "exchanges">): Promise<void> {
  await keepTexts(exchanges.flatMap(({ attachments = [] }) => attachments.map(({ id }) => id)));
}

export async function keepTexts(ids: readonly string[]): Promise<void> {
  const atHand = ids.map((id) => [id, texts.get(id)] as const).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (atHand.length > 0) await writeTexts(new Map(atHand)).catch(() => undefined);
}

export async function bringTexts(ids: readonly string[]): Promise<void> {
  const missing = ids.filter((id) => !texts.has(id));
  const found = await Promise.all(missing.map(async (id) => readText(id).catch(() => undefined)));
  for (const [index, id] of missing.entries()) {
    const text = found[index];
    if (text !== undefined) texts.set(id, text);
  }
}

/** Longer than a deletion can be taken back. */
const SWEEP_AFTER_MS = 20_000;

/** Deletes the texts of what was deleted, once nothing can bring it back. */
export function sweepSoon(): void {
  setTimeout(sweepNow, SWEEP_AFTER_MS);
}

/** Deletes what nothing refers to any more. */
export function sweepNow(): void {
  void sweepTexts().catch(() => undefined);
}
