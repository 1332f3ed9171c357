import { createStore, promisifyRequest } from "idb-keyval";

/** What another app or the system has sent here, until the page takes it: it may come while no page is open. */
export interface Received {
  /** Words for the message field. */
  text: string;
  files: File[];
  /** Why something that was sent is not here, in a sentence. */
  mistakes: string[];
}

/** Nobody shares more texts than this to ask about them, and each file costs a look at its first bytes. */
const MOST_FILES = 16;
/** Characters; longer texts are attached as files are, and a text this long comes from no share sheet. */
const MOST_TEXT = 1_000_000;
/** Sets of things shared that wait at once. The oldest go: something sends without end, or no page ever opened. */
const MOST_WAITING = 8;

const inReceived = createStore("longtab-received", "received");

/**
 * Keeps what a form sent to the share address holds, and says where to go then. Any website can send such a form, so nothing is done with it
 * but to keep it for the page, which shows it to the person.
 * @param request a POST with the fields `title`, `text`, `url` and `files` of the web manifest
 */
export async function keepShared(request: Request, page: string): Promise<string> {
  const received = await readForm(request).catch(() => ({ ...nothing(), mistakes: ["What was shared could not be read."] }));
  try {
    await keepReceived(received);
  } catch {
    // Of large files there may be no room for a copy, of a sentence there is.
    await keepReceived({
      ...received,
      files: [],
      mistakes: [...received.mistakes, "There is not enough space to take the files that were shared: choose them in the page instead."],
    }).catch(() => undefined);
  }
  return `${page}?received`;
}

async function readForm(request: Request): Promise<Received> {
  const form = await request.formData();
  const field = (name: string): string[] => {
    const value = form.get(name);
    return typeof value === "string" && value.trim() !== "" ? [value.trim()] : [];
  };
  const files = form.getAll("files").filter((value) => value instanceof File && (value.size > 0 || value.name !== "")) as File[];
  const mistakes: string[] = [];
  if (files.length > MOST_FILES) mistakes.push(`Of ${files.length} files that were shared the first ${MOST_FILES} were taken.`);
  // Many apps put the address into the text as well.
  const [text = ""] = field("text");
  const parts = [
    ...field("title").filter((title) => !text.startsWith(title)),
    ...field("text"),
    ...field("url").filter((url) => !text.includes(url)),
  ];
  const words = parts.join("\n");
  if (words.length > MOST_TEXT)
    mistakes.push(`Of the text that was shared the first ${MOST_TEXT.toLocaleString("en")} characters were taken.`);
  return { text: words.slice(0, MOST_TEXT).toWellFormed(), files: files.slice(0, MOST_FILES), mistakes };
}

function nothing(): Received {
  return { text: "", files: [], mistakes: [] };
}

async function keepReceived(received: Received): Promise<void> {
  await inReceived("readwrite", async (store) => {
    const keys = await promisifyRequest(store.getAllKeys());
    for (const key of keys.slice(0, Math.max(0, keys.length + 1 - MOST_WAITING))) store.delete(key);
    // Keys in the order of time.
    store.put(received, Date.now() + Math.random());
    await promisifyRequest(store.transaction);
  });
}

/** Hands on everything that waits, oldest first. It waits until it was taken: what breaks off meanwhile comes again. */
export async function takeReceived(take: (received: Received) => Promise<void>): Promise<void> {
  const [keys, waiting] = await inReceived("readonly", (store) =>
    Promise.all([promisifyRequest(store.getAllKeys()), promisifyRequest<Received[]>(store.getAll())]),
  );
  for (const received of waiting) await take(received);
  if (keys.length === 0) return;
  await inReceived("readwrite", (store) => {
    for (const key of keys) store.delete(key);
    return promisifyRequest(store.transaction);
  });
}
