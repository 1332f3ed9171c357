import { LongtabError } from "../longtab.ts";
import { sweepSoon } from "./attached-texts.ts";
import { withNewIds } from "./branches.ts";
import { contentOf } from "./conversation-file.ts";
import { type ReadFile, readFiled, readHeader, MOST_FILE_BYTES } from "./conversation-file-reader.ts";
import { addConversation, allConversations, deleteConversation } from "./conversation-store.ts";
import { refreshList } from "./conversations.ts";
import { newId } from "./new-id.ts";
import { notify } from "./notices.ts";
import { runTransfer } from "./transfer.ts";

/**
 * Adds the conversations of a file to those that are here. The whole file is checked before the first is stored; every one gets new ids, so
 * that nothing is overwritten; one that is here already, word for word, is left out. Where one cannot be stored, none is.
 */
export async function importFile(file: File): Promise<void> {
  await runTransfer("import", async (report, signal) => {
    const read = await readAll(file, signal);
    const known = await contentsHere();
    const added: string[] = [];
    let [done, duplicates] = [0, 0];
    for (const one of read) {
      if (signal.aborted) break;
      const content = contentOf(one.conversation);
      if (known.has(content)) duplicates++;
      else {
        known.add(content);
        const id = await add(one).catch(async (error: unknown) => {
          await takeBack(added);
          throw error;
        });
        added.push(id);
      }
      report(++done, read.length);
    }
    await refreshList();
    notify(wordsFor(added.length, duplicates, signal.aborted), added.length > 0 ? () => void takeBack(added) : undefined);
  });
}

/** The page answers while it reads: no longer than this at a stretch. */
const STRETCH_MS = 30;

async function readAll(file: File, signal: AbortSignal): Promise<ReadFile[]> {
  if (file.size > MOST_FILE_BYTES) {
    throw new LongtabError({
      code: "file-limit",
      what: `“${file.name}” is too large to be read at once`,
      value: `${file.size.toLocaleString("en")} bytes`,
      limit: `${MOST_FILE_BYTES.toLocaleString("en")} bytes`,
      remedy: "export fewer conversations, each as a file of its own",
    });
  }
  const read: ReadFile[] = [];
  let pausedAt = performance.now();
  for (const [index, value] of readHeader(await file.text()).entries()) {
    if (signal.aborted) return [];
    read.push(readFiled(value, `conversations[${index}]`));
    if (performance.now() - pausedAt < STRETCH_MS) continue;
    await new Promise((resolve) => setTimeout(resolve));
    pausedAt = performance.now();
  }
  return read;
}

async function contentsHere(): Promise<Set<string>> {
  const contents = new Set<string>();
  for await (const conversation of allConversations()) contents.add(contentOf(conversation));
  return contents;
}

async function add({ conversation, texts }: ReadFile): Promise<string> {
  const ids = new Map<string, string>();
  const renewed = (id: string): string => {
    const next = ids.get(id) ?? newId();
    ids.set(id, next);
    return next;
  };
  const exchanges = conversation.exchanges.map(({ attachments, ...exchange }) => ({
    ...exchange,
    ...(attachments && { attachments: attachments.map((attachment) => ({ ...attachment, id: renewed(attachment.id) })) }),
  }));
  const mine = withNewIds({ ...conversation, id: newId(), exchanges }, newId);
  await addConversation(mine, new Map(Array.from(texts, ([id, text]) => [renewed(id), text])));
  return mine.id;
}

async function takeBack(ids: readonly string[]): Promise<void> {
  for (const id of ids) await deleteConversation(id).catch(() => undefined);
  await refreshList();
  sweepSoon();
}

function wordsFor(added: number, duplicates: number, aborted: boolean): string {
  const conversations = (count: number): string => (count === 1 ? "One conversation" : `${count} conversations`);
  const parts = [added === 0 ? "Nothing was imported." : `${conversations(added)} imported.`];
  if (duplicates > 0) parts.push(duplicates === 1 ? "One was here already." : `${duplicates} were here already.`);
  if (aborted && added > 0) parts.push("The others were not.");
  return parts.join(" ");
}
