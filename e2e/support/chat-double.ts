import type { Page } from "@playwright/test";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import type { Scenario } from "../../apps/chat/test/scenario.ts";
import { serve } from "../../scripts/serve.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The chat page built with the double in the library's place, and served: for states that a real model cannot be brought into at will. */
export class ChatWithDouble {
  readonly #served: Awaited<ReturnType<typeof serve>>;

  private constructor(served: Awaited<ReturnType<typeof serve>>) {
    this.#served = served;
  }

  static async start(): Promise<ChatWithDouble> {
    return new ChatWithDouble(await serve({ dist: await buildWithDouble(), models: `${root}.cache` }));
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

/** Builds the page with the double; returns its folder. */
export async function buildWithDouble(): Promise<string> {
  await build({ configFile: `${root}apps/chat/test/vite.config.ts` });
  return `${root}.cache/chat-with-double`;
}
