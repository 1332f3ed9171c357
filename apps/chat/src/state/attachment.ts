/** A text that goes with a question: a file, or a paste too long for the message field. Its text is stored apart from the conversation. */
export interface Attachment {
  id: string;
  name: string;
  characters: number;
}

/** Characters of a text that can be attached: a very long novel. Reading it takes minutes to hours, which the page says. */
export const MOST_CHARACTERS = 4_000_000;
/** Texts that go with one question; a file of conversations has no more either. */
export const MOST_ATTACHED = 100;
/** Characters of a name: files have shorter ones, but any website can share one that has not. */
export const MOST_NAME = 400;
/** A paste of so many characters becomes an attachment: nobody edits it in a message field. */
export const LONG_PASTE = 6000;
/** Bytes of a file that is worth opening: four for a character at most. */
const MOST_BYTES = 4 * MOST_CHARACTERS;
/** Share of characters that no text editor would write, above which a file is no text. */
const MOST_ODD = 0.001;

export type ReadText = { text: string } | { mistake: string };

/** A model's file, by its name or its first bytes; anything else is taken for text. */
export async function isModelFile(file: File): Promise<boolean> {
  if (/\.gguf$/i.test(file.name)) return true;
  return (await file.slice(0, 4).text()) === "GGUF";
}

/** Reads a file as text, or says in a sentence why it is none. */
export async function readTextFile(file: File): Promise<ReadText> {
  if (file.size > MOST_BYTES) return { mistake: tooLong(file.name) };
  const bytes = await file.arrayBuffer().catch(() => undefined);
  if (bytes === undefined) return { mistake: `“${file.name}” cannot be read any more: it was moved or changed.` };
  return checkText(file.name, decode(bytes));
}

/** The text as it is kept: whole characters, one kind of line end. */
export function checkText(name: string, text: string): ReadText {
  const clean = text.replace(/\r\n?/g, "\n").toWellFormed();
  if (clean.trim() === "") return { mistake: `“${name}” has no text in it.` };
  if (clean.length > MOST_CHARACTERS) return { mistake: tooLong(name) };
  // oxlint-disable-next-line no-control-regex -- control characters are what is counted
  const odd = clean.match(/[\0-\x08\x0e-\x1a\x1c-\x1f\ufffd]/g)?.length ?? 0;
  if (odd > clean.length * MOST_ODD) return { mistake: `“${name}” is not a text file. Save it as plain text and attach that.` };
  return { text: clean };
}

function tooLong(name: string): string {
  return `“${name}” is longer than ${MOST_CHARACTERS.toLocaleString("en")} characters, the most that can be attached.`;
}

/** UTF-8, unless the file's first bytes say that it is UTF-16. */
function decode(bytes: ArrayBuffer): string {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  const encoding = first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/** A name for a paste: its first words. */
export function nameOfPaste(text: string): string {
  const words = text.slice(0, 200).trim().split(/\s+/).slice(0, 6).join(" ");
  return words.length > 40 ? `${words.slice(0, 40).toWellFormed().trimEnd()}…` : words;
}
