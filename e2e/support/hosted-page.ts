import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "../../scripts/serve.mjs";

/**
 * A built page on a host of its own, where a test may put a new version, or half of one. The host sends no headers unless told so, as most
 * that serve files do.
 */
export class HostedPage {
  readonly #folder: string;
  readonly #path: string;
  readonly #served: Awaited<ReturnType<typeof serve>>;

  private constructor(folder: string, path: string, served: Awaited<ReturnType<typeof serve>>) {
    this.#folder = folder;
    this.#path = path;
    this.#served = served;
  }

  /** @param built folder of the page; `path` below the host's root, with a slash at its end; `models` the folder behind ./models/ */
  static async start(built: string, { path = "", models = tmpdir(), plain = true } = {}): Promise<HostedPage> {
    const folder = mkdtempSync(join(tmpdir(), "longtab-hosted-"));
    cpSync(built, join(folder, path), { recursive: true });
    return new HostedPage(folder, path, await serve({ dist: folder, models, plain }));
  }

  get url(): string {
    return this.#served.url + this.#path;
  }

  /** Changes a file, and, as a build would, what the service worker says its bytes are. */
  release(name: string, edit: (text: string) => string): void {
    const before = this.#read(name);
    const after = edit(before);
    this.write(name, after);
    const worker = this.#read("service-worker.js");
    if (!worker.includes(integrity(before))) throw new Error(`The service worker does not know ${name}`);
    this.write("service-worker.js", worker.replace(integrity(before), integrity(after)));
  }

  /** The file as it is, for putting it back. */
  #read(name: string): string {
    return readFileSync(join(this.#folder, this.#path, name), "utf8");
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.#folder, this.#path, name), text);
  }

  /** Takes a file away and gives back what puts it there again. */
  remove(name: string): () => void {
    const text = this.#read(name);
    rmSync(join(this.#folder, this.#path, name));
    return () => this.write(name, text);
  }

  async close(): Promise<void> {
    await this.#served.close();
    if (existsSync(this.#folder)) rmSync(this.#folder, { recursive: true });
  }
}

function integrity(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
