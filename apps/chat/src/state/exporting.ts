import { textOf } from "./attached-texts.ts";
import { readText } from "./attachment-store.ts";
import { allConversations } from "./conversation-store.ts";
import { fileName, fileParts, type FiledConversation, toFile, toMarkdown } from "./conversation-file.ts";
import type { Conversation } from "./conversation.ts";
import { findConversation, summaries, unstoredConversations } from "./conversations.ts";
import { notify } from "./notices.ts";
import { runTransfer } from "./transfer.ts";

/** What is shown of a conversation, for reading. */
export async function exportAsMarkdown(id: string): Promise<void> {
  const conversation = await findConversation(id);
  if (conversation !== undefined) save([toMarkdown(conversation)], fileName(conversation.title, "md"), "text/markdown");
}

/** One conversation with all its branches, to be imported elsewhere. */
export async function exportAsJson(id: string): Promise<void> {
  const conversation = await findConversation(id);
  if (conversation !== undefined) saveAll([await filed(conversation)], fileName(conversation.title, "json"));
}

/** Every conversation: those that are stored, and those that could not be. */
export async function exportAll(): Promise<void> {
  await runTransfer("export", async (report, signal) => {
    const conversations: FiledConversation[] = [];
    const total = summaries.peek().length;
    const unstored = unstoredConversations();
    for (const conversation of unstored.values()) conversations.push(await filed(conversation));
    for await (const conversation of allConversations()) {
      if (signal.aborted) return;
      if (unstored.has(conversation.id)) continue;
      conversations.push(await filed(conversation));
      report(conversations.length, Math.max(total, conversations.length));
    }
    saveAll(conversations, `longtab-conversations-${new Date().toISOString().slice(0, 10)}.json`);
    notify(conversations.length === 1 ? "One conversation exported." : `${conversations.length} conversations exported.`);
  });
}

async function filed(conversation: Conversation): Promise<FiledConversation> {
  const ids = conversation.exchanges.flatMap(({ attachments = [] }) => attachments.map(({ id }) => id));
  const texts = new Map(await Promise.all(ids.map(async (id) => [id, textOf(id) ?? (await readText(id))] as const)));
  return toFile(conversation, (id) => texts.get(id));
}

function saveAll(conversations: Iterable<FiledConversation>, name: string): void {
  save([...fileParts(conversations, new Date())], name, "application/json");
}

/** So long the browser may take to begin with a download. */
const RELEASE_AFTER_MS = 60_000;

function save(parts: string[], name: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), RELEASE_AFTER_MS);
}
