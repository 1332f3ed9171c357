import { type Page, dialog, expect, quick, test } from "./support/chat-test.ts";
import { drop } from "./support/drop.ts";

/** The model manager. */
const models = (page: Page) => dialog(page, "Models");
const open = async (page: Page) => {
  await page.getByTitle("Models").click();
  await expect(models(page)).toBeVisible();
};
const row = (page: Page, name: string) => models(page).getByRole("listitem").filter({ hasText: name });

test("models come by family with size, quantisation, licence, what they remember and whether they fit, in words", async ({
  page,
  chat,
}) => {
  await page.goto(chat.address({ ...quick, catalogue: "families", deviceMemory: 4, quota: 4e9 }));
  await open(page);
  await expect(models(page).locator(".family h3")).toHaveText(["SmolLM2", "Qwen2.5"]);
  const small = row(page, "SmolLM2 135M Instruct");
  await expect(small).toContainText(/98\sMB · Q4_1 · 135M parameters · Licence Apache-2\.0/);
  await expect(small).toContainText(/Fits this device\. It takes up to 688\sMB of memory; this device has 4\sGB\./);
  await expect(small).toContainText(/about 49,000 words in up to 590\sMB, and they never end/);
  await expect(small).toContainText("On this device, last used just now");
  await expect(row(page, "Qwen2.5 0.5B")).toContainText("Tight on this device.");
  const large = row(page, "Qwen2.5 7B");
  await expect(large).toContainText(/Too large for this device\. It needs 4\.7\sGB of storage, and the browser grants 3\.9\sGB more/);
  await expect(large.getByRole("button", { name: "Try anyway Qwen2.5 7B Instruct" })).toBeVisible();
});

test("a model is loaded from the list, is said to be, and is closed again", async ({ page, chat }) => {
  await page.goto(chat.address({ ...quick, catalogue: "families" }));
  await open(page);
  await models(page).getByRole("button", { name: "Load SmolLM2 360M Instruct" }).click();
  await expect(page.getByText("What is on your mind?")).toBeVisible();
  await open(page);
  await expect(row(page, "SmolLM2 360M")).toContainText("loaded");
  await expect(row(page, "SmolLM2 135M")).not.toContainText("loaded");
  await models(page).getByRole("button", { name: "Close SmolLM2 360M Instruct" }).click();
  await expect(models(page).getByRole("button", { name: "Start SmolLM2 360M Instruct" })).toBeVisible();
});

test("a file that was dropped is among the models, and a broken-off download goes on from there", async ({ page, chat }) => {
  await page.goto(chat.address({ stored: "part" }));
  await open(page);
  await expect(row(page, "SmolLM2 135M")).toContainText("40 of 98 MB are here already");
  await page.keyboard.press("Escape");
  await drop(page, "mine.gguf", new TextEncoder().encode("GGUF"));
  await expect(page.getByText("What is on your mind?")).toBeVisible();
  await open(page);
  await expect(models(page).locator(".family h3")).toHaveText(["SmolLM2", "Other models on this device"]);
  await expect(row(page, "mine.gguf")).toContainText("loaded");
  await models(page).getByRole("button", { name: "Continue SmolLM2 135M Instruct" }).click();
  await expect(page.getByText("What is on your mind?")).toBeVisible();
});

test("a hub name is judged as it is typed, and is wrong only once it was meant", async ({ page, chat }) => {
  await page.goto(chat.address({}));
  await open(page);
  const input = models(page).getByLabel(/^From the Hugging Face hub/);
  await input.fill("owner/repo");
  await expect(models(page)).toContainText("A hub name has three parts: owner/repo/file.gguf.");
  await expect(models(page).getByRole("alert")).toHaveCount(0);
  await page.keyboard.press("Enter");
  await expect(models(page).getByRole("alert")).toHaveText("A hub name has three parts: owner/repo/file.gguf.");
  await expect(input).toHaveAttribute("aria-invalid", "true");
  await input.fill("owner/repo/tiny.gguf");
  await expect(models(page)).toContainText("tiny.gguf is downloaded from huggingface.co and kept in this browser.");
  await expect(models(page).getByRole("alert")).toHaveCount(0);
});

test("a model is deleted after a second look, and comes back on undo", async ({ page, chat }) => {
  await page.goto(chat.address(quick));
  await open(page);
  const remove = async () => {
    await models(page).getByRole("button", { name: "Delete SmolLM2 135M Instruct" }).click();
    await expect(models(page).getByRole("button", { name: "Keep", exact: true })).toBeFocused();
    await models(page)
      .getByRole("button", { name: /^Delete 98\sMB$/ })
      .click();
    await expect(row(page, "SmolLM2 135M")).toContainText(/98\sMB to download/);
  };
  await remove();
  await models(page).getByRole("button", { name: "Undo" }).click();
  await expect(row(page, "SmolLM2 135M")).toContainText("On this device");
  await remove();
  // What is loaded while it could still be taken back is taken back: nothing is downloaded again.
  await models(page).getByRole("button", { name: "Load SmolLM2 135M Instruct" }).click();
  await expect(page.getByText("What is on your mind?")).toBeVisible();
  await open(page);
  await expect(row(page, "SmolLM2 135M")).toContainText("loaded");
});

test("storage is told by what takes it, and the browser is asked to keep it", async ({ page, chat }) => {
  await page.goto(chat.address({ ...quick, refusesToPersist: true }));
  await open(page);
  await expect(models(page).locator(".storage-legend dd")).toHaveText([/^98\sMB$/, /^1\.2\sMB$/, /^2\sGB$/]);
  await expect(models(page)).toContainText("The browser may delete all this, conversations too, when the disk runs full.");
  await models(page).getByRole("button", { name: "Ask it to keep everything" }).click();
  await expect(models(page)).toContainText("It did not promise to keep it");
  await page.goto(chat.address(quick));
  await open(page);
  await models(page).getByRole("button", { name: "Ask it to keep everything" }).click();
  await expect(models(page)).toContainText("The browser keeps all this until you delete it.");
});

test("the list fits a phone, and its buttons a finger @phone", async ({ page, chat }) => {
  await page.goto(chat.address({ ...quick, catalogue: "families", deviceMemory: 4 }));
  await open(page);
  expect(await models(page).evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
  const boxes = await models(page)
    .locator(".model-actions button")
    .evaluateAll((buttons) => buttons.map((button) => button.getBoundingClientRect().height));
  expect(Math.min(...boxes)).toBeGreaterThanOrEqual(36);
});
