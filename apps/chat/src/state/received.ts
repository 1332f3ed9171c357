import { signal } from "@preact/signals";
import { type Received, takeReceived } from "../pwa/received-store.ts";
import { isModelFile } from "./attachment.ts";
import { attachFile } from "./attachments.ts";
import { busy } from "./busy.ts";
import { current, draft, newConversation } from "./conversations.ts";
import { setDraft, writeDrafts } from "./drafts.ts";
import { chooseFile } from "./model.ts";
import { notify } from "./notices.ts";
import { focusComposer } from "./page.ts";

/** Chromium's queue of what the system opens an installed page with; the compiler's library does not know it. */
interface LaunchQueue {
  setConsumer(consumer: (launch: { targetURL?: string; files?: readonly FileSystemFileHandle[] }) => void): void;
}

/** A model's file that was sent here and waits for the person's word. */
export const offeredModel = signal<File | null>(null);

/** Takes what was shared with the app and what it was opened with, now and while the page is open. */
export async function startReceiving(): Promise<void> {
  (globalThis as { launchQueue?: LaunchQueue }).launchQueue?.setConsumer(({ targetURL, files = [] }) => {
    if (targetURL !== undefined) followShortcut(new URL(targetURL).search);
    void Promise.all(files.map((handle) => handle.getFile())).then(openFiles, () =>
      notify("The file cannot be read any more: it was moved or changed."),
    );
  });
  const { search } = location;
  // Said once: a reload does not begin a new chat again.
  if (search === "?new" || search === "?received") history.replaceState(null, "", location.pathname + location.hash);
  followShortcut(search);
  await takeReceived(take).catch(() => undefined);
}

function followShortcut(search: string): void {
  if (search !== "?new") return;
  newConversation();
  focusComposer();
}

/** What any website could have sent here goes no further than the message field, and a model is asked about. */
async function take({ text, files, mistakes }: Received): Promise<void> {
  newConversation();
  // A new chat may hold words that were never sent.
  if (text !== "") setDraft(current.peek().id, draft.peek() === "" ? text : `${draft.peek()}\n\n${text}`);
  await writeDrafts();
  for (const file of files) {
    if (await isModelFile(file)) offeredModel.value = file;
    else await attachFile(file);
  }
  for (const mistake of mistakes) notify(mistake);
  focusComposer();
}

/** Opened by the person in the system's file manager: as if dropped on the page. */
async function openFiles(files: readonly File[]): Promise<void> {
  for (const file of files) {
    if (!(await isModelFile(file))) await attachFile(file);
    // It would take the place of the model that is at work.
    else if (busy.peek()) offeredModel.value = file;
    else await chooseFile(file);
  }
}

export async function loadOffered(): Promise<void> {
  const file = offeredModel.peek();
  offeredModel.value = null;
  if (file !== null) await chooseFile(file);
}
