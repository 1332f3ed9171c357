import { type Browser, type BrowserContext, type Page, chromium } from "@playwright/test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyModel } from "@longtab/formats/testing";
import { drop } from "./support/drop.ts";
import { expect, test } from "./support/fixtures.ts";
import { MeteredOrigin } from "./support/metered-origin.ts";

/** Long enough an answer for something to happen in its middle. */
const MODEL = Buffer.from(tinyModel({ contextLength: 2048, layers: 4 }));
const LOADED = { timeout: 120_000 };
/** A name that is not this computer's: pages under it are not secure, as on a home server without a certificate. */
const INSECURE = "longtab.test";

/** Without these, after a second crash within minutes, Chromium gives a site no adapter until the browser is restarted. */
const PATIENT_WITH_GPU = ["--disable-gpu-process-crash-limit", "--disable-domain-blocking-for-3d-apis"];

const card = (page: Page) => page.getByRole("region", { name: "Model" });
const field = (page: Page) => page.getByRole("textbox", { name: "Message", exact: true });
const problem = (page: Page) => card(page).getByRole("alert");

test.describe("under an address that is not secure", () => {
  let browser: Browser;
  test.beforeAll(async ({ launchOptions }) => {
    browser = await chromium.launch({
      ...launchOptions,
      args: [...(launchOptions.args ?? []), `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`],
    });
  });
  test.afterAll(async () => browser.close());

  test("the page has neither graphics card nor threads, and answers with one thread of the processor", async ({ baseURL }) => {
    const page = await browser.newPage();
    await page.goto((baseURL ?? "").replace("127.0.0.1", INSECURE));
    await expect(card(page)).toContainText("Runs on the processor: there is no usable graphics adapter here.");
    await drop(page, "mine.gguf", MODEL);
    await expect(field(page)).toBeFocused(LOADED);
    await field(page).fill("Hello");
    await field(page).press("Enter");
    await expect(page.locator(".answer")).toContainText(/\S{3}/);
    await page.keyboard.press("Control+,");
    await expect(page.getByRole("dialog", { name: "Settings" })).toContainText("One thread computes");
    await page.close();
  });
});

test.describe.serial("with a stored model and a conversation", () => {
  let context: BrowserContext;
  let page: Page;
  let folder: string;
  test.beforeAll(async ({ launchOptions, baseURL }) => {
    // A browser of its own, whose GPU process will be made to crash, with a profile on disk: private windows do not keep to their quota.
    folder = await mkdtemp(join(tmpdir(), "longtab-profile-"));
    const args = [...(launchOptions.args ?? []), ...PATIENT_WITH_GPU];
    context = await chromium.launchPersistentContext(folder, { ...launchOptions, args });
    // A graphics card that a processor plays is used only by who chooses it.
    await context.addInitScript(() => {
      localStorage["longtab-settings"] ??= JSON.stringify({ backend: "webgpu" });
    });
    page = await context.newPage();
    await page.goto(baseURL ?? "");
    await expect(card(page).getByRole("button", { name: /Load model/ })).toBeEnabled();
  });
  test.afterAll(async () => {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  });

  const crashGpu = async () => {
    const session = await context.browser()?.newBrowserCDPSession();
    // Missing in Playwright's types: https://chromedevtools.github.io/devtools-protocol/tot/Browser/#method-crashGpuProcess
    await session?.send("Browser.crashGpuProcess" as "Browser.close");
  };
  const answer = () => page.locator(".answer").last();

  test("a GPU that crashes in the middle of an answer is explained; what was written is kept", async () => {
    await drop(page, "mine.gguf", MODEL);
    await expect(field(page)).toBeFocused(LOADED);
    await field(page).fill("Tell me something long");
    await field(page).press("Enter");
    const streaming = page.locator(".answer.streaming .markdown");
    await expect(streaming).toContainText(/\S{3}/);
    const begun = await streaming.innerText();
    await crashGpu();
    await expect(problem(page)).toContainText("The graphics card stopped answering");
    await expect(problem(page)).toContainText("Your conversation is kept.");
    await expect(answer()).toContainText("what came so far is kept");
    expect((await answer().locator(".markdown").innerText()).startsWith(begun.slice(0, 3))).toBe(true);
    await expect(page.locator(".bubble")).toHaveText("Tell me something long");
  });

  test("the conversation goes on on the processor, and goes back when the graphics card that is there again is taken", async () => {
    await problem(page).getByRole("button", { name: "Continue on the processor" }).click();
    await expect(problem(page)).toBeHidden(LOADED);
    await expect(page.locator("#composer-note")).toContainText("A graphics card is available now.");
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(page.locator(".stats")).toContainText("per second", LOADED);
    await page.locator("#composer-note").getByRole("button", { name: "Use it" }).click();
    await expect(field(page)).toBeFocused(LOADED);
    await expect(page.locator("#composer-note")).toContainText("Runs on software that imitates a graphics card, as chosen", LOADED);
    await expect(page.locator(".bubble")).toHaveText("Tell me something long");
    await crashGpu();
    await expect(problem(page)).toContainText("The graphics card stopped answering");
  });

  test("a GPU that crashes while the model loads is explained too", async () => {
    await problem(page).getByRole("button", { name: "Start the model again" }).click();
    const preparing = card(page).getByRole("progressbar", { name: "Preparing the GPU" });
    // Where a real GPU is ready before this looks, it crashes a moment later.
    await expect(preparing.or(page.getByTitle("Models").filter({ hasText: "ready" }))).toBeVisible(LOADED);
    await crashGpu();
    await expect(problem(page)).toContainText("The graphics card stopped answering");
  });

  test("the stored model starts again, also offline, and answers", async () => {
    await context.setOffline(true);
    await problem(page).getByRole("button", { name: "Start the model again" }).click();
    await expect(problem(page)).toBeHidden(LOADED);
    await field(page).fill("And now?");
    await field(page).press("Enter");
    await expect(page.locator(".bubble")).toHaveCount(2);
    await expect(answer()).toContainText(/\S{3}/);
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await expect(page.getByRole("button", { name: "Send" })).toBeVisible();
  });

  for (const [what, bytes, title] of [
    ["is no model", Buffer.from("%PDF-1.7\n".repeat(1000)), "This file is not a GGUF model"],
    ["was cut short", MODEL.subarray(0, MODEL.length - 5000), "This model file is incomplete"],
    [
      "has an unknown architecture",
      Buffer.from(MODEL.toString("latin1").replaceAll("llama", "zebra"), "latin1"),
      "Longtab cannot run this model",
    ],
    [
      "has a damaged header",
      Buffer.concat([MODEL.subarray(0, 8), Buffer.alloc(16, 255), MODEL.subarray(24)]),
      "This model file is damaged",
    ],
  ] as const) {
    test(`a file that ${what} is refused in a plain sentence`, async () => {
      await drop(page, "wrong.gguf", bytes);
      await expect(problem(page)).toContainText(title);
      await expect(page.locator(".bubble")).toHaveCount(2);
    });
  }

  test("offline, a model that is not stored cannot come, which is said so", async () => {
    await page.getByTitle("Models").click();
    const models = page.getByRole("dialog", { name: "Models" });
    await models.getByRole("listitem").filter({ hasText: "SmolLM2" }).getByRole("button", { name: "Load" }).click();
    await expect(problem(page)).toContainText("There is no connection");
    await context.setOffline(false);
  });

  test("a disk that fills up under a download is said so, with the bytes that have no room; what came is kept", async ({ baseURL }) => {
    // Another origin: the browser looks at an origin's quota early, and then not for minutes.
    const origin = await MeteredOrigin.start(baseURL ?? "");
    const other = await context.newPage();
    const session = await context.newCDPSession(other);
    await session.send("Storage.overrideQuotaForOrigin", { origin: origin.url, quotaSize: 40e6 });
    await other.goto(origin.url);
    await card(other)
      .getByRole("button", { name: /Load model/ })
      .click();
    await expect(problem(other)).toContainText("There is not enough space for this model", LOADED);
    await expect(problem(other)).toContainText(
      /no room to store SmolLM2 135M Instruct \(found \d+\.\d MB to store.*Delete a stored model or free disk space/,
    );
    await problem(other).getByRole("button", { name: "Stored models" }).click();
    await expect(other.getByRole("dialog", { name: "Models" })).toContainText("34 of 98 MB are here already");
    await other.close();
    await origin.close();
  });

  test("after all that the stored model and the conversation are as they were", async () => {
    await page.getByTitle("Models").click();
    const models = page.getByRole("dialog", { name: "Models" });
    await expect(models.getByText("wrong.gguf")).toHaveCount(0);
    await expect(models.getByRole("listitem").filter({ hasText: "mine.gguf" })).toContainText("On this device");
    await page.reload();
    await expect(page.locator(".bubble")).toHaveText(["Tell me something long", "And now?"]);
    await expect(page.locator(".answer")).toHaveCount(2);
    await expect(card(page).getByRole("button", { name: "Start", exact: true })).toBeEnabled();
  });
});
