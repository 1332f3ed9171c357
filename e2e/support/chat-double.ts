import type { Page } from "@playwright/test";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import type { Scenario } from "../../apps/chat/test/scenario.ts";
import { serve } from "../../scripts/serve.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The chat page built with the double in the library's place, and served: for states that a real model cannot be brought into at will. */
export class ChatWithDouble {
  readonly #served: Awaited<ReturnType<typeof serve>>;
  /** Where the built page lies. */
  readonly folder: string;

  private constructor(served: Awaited<ReturnType<typeof serve>>, folder: string) {
    this.#served = served;
    this.folder = folder;
  }

  static async start(): Promise<ChatWithDouble> {
    await build({ configFile: `${root}apps/chat/test/vite.config.ts` });
    const folder = `${root}.cache/chat-with-double`;
    return new ChatWithDouble(await serve({ dist: folder, models: `${root}.cache` }), folder);
  }

  get url(): string {
    return this.#served.url;
  }

  address(scenario: Scenario, hash = ""): string {
    return `${this.#served.url}?scenario=${encodeURIComponent(JSON.stringify(scenario))}${hash}`;
  }

  /** Opens the page and, where the scenario stores a model, starts it. */
  async open(page: Page, scenario: Scenario): Promise<void> {
    await page.goto(this.address(scenario));
    await page.locator(".app").waitFor();
    if (scenario.stored !== "all") return;
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByText("What is on your mind?").waitFor();
  }

  async close(): Promise<void> {
    await this.#served.close();
  }
}
