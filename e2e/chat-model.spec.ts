import { answers, ask, bubbles, expect, field, quick, send, test } from "./support/chat-test.ts";

test("a first visit says what it is, what it costs and where it runs", async ({ page, chat }) => {
  await chat.open(page, {});
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("A language model that lives in this tab");
  const card = page.getByRole("region", { name: "Model" });
  await expect(card).toContainText("98 MB, once");
  await expect(card).toContainText("Apache-2.0");
  await expect(card).toContainText("about 49,000 words");
  await expect(card.getByRole("button", { name: "Load model · 98 MB" })).toBeVisible();
  await expect(page.getByText("nothing you write leaves it")).toBeVisible();
});

test("loading shows phase, bytes, rate and time left, and can be cancelled", async ({ page, chat }) => {
  await chat.open(page, { holdLoadAt: "download" });
  await page.getByRole("button", { name: /Load model/ }).click();
  const card = page.getByRole("region", { name: "Model" });
  await expect(card).toContainText("39 of 98 MB · 6.2 MB/s · about 10 s left");
  await expect(card.locator("[aria-current=step]")).toHaveText("Download");
  await card.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("button", { name: /Load model/ })).toBeVisible();
});

test("a broken-off download says what is here already and goes on", async ({ page, chat }) => {
  await chat.open(page, { stored: "part" });
  await expect(page.getByText("40 of 98 MB are here already.")).toBeVisible();
  await page.getByRole("button", { name: "Continue the download" }).click();
  await expect(page.getByText("What is on your mind?")).toBeVisible();
});

test("a stored model starts by itself where that was chosen", async ({ page, chat }) => {
  await page.goto(chat.address(quick));
  await page.getByLabel("Start by itself when the page opens").check();
  await page.reload();
  await expect(page.getByText("What is on your mind?")).toBeVisible();
});

test("a failed load explains itself and offers ways on", async ({ page, chat }) => {
  await chat.open(page, { loadError: "quota-exceeded" });
  await page.getByRole("button", { name: /Load model/ }).click();
  const alert = page.getByRole("alert").filter({ hasText: "not enough space" });
  await expect(alert).toContainText("This model needs 98 MB and the browser grants 61 MB more. Delete a stored model");
  await alert.getByRole("button", { name: "Stored models" }).click();
  await expect(page.getByRole("dialog", { name: "Models" })).toBeVisible();
});

test("a browser without WebGPU is told what to do, and conversations stay readable", async ({ page, chat }) => {
  await chat.open(page, quick);
  await ask(page, "Hello?");
  await page.goto(chat.address({ unavailable: true }, new URL(page.url()).hash));
  await expect(bubbles(page)).toHaveText("Hello?");
  await expect(page.getByText("This browser has no WebGPU.")).toBeVisible();
  await expect(page.getByText("version 113 or newer")).toBeVisible();
});

test("a file dropped on the page is loaded", async ({ page, chat }) => {
  await chat.open(page, {});
  const transfer = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(["GGUF"], "mine.gguf"));
    return data;
  });
  await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
  await expect(page.getByText("or a .gguf file to load it")).toBeVisible();
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
  await expect(page.getByRole("button", { name: /mine\.gguf/ })).toContainText("ready");
});

test("an address outside the hub is refused with a reason", async ({ page, chat }) => {
  await chat.open(page, {});
  await page.getByText("Use another model").click();
  await page.getByLabel(/^From the Hugging Face hub/).fill("https://example.com/model.gguf");
  await page.getByRole("button", { name: "Load", exact: true }).click();
  await expect(page.getByText("This page only downloads from huggingface.co")).toBeVisible();
});

test("a message sent while the model loads waits for it", async ({ page, chat }) => {
  await page.goto(chat.address({}));
  await page.getByRole("button", { name: /Load model/ }).click();
  await send(page, "Are you there?");
  await expect(page.getByText("sent as soon as the model is ready")).toBeVisible();
  await expect(answers(page)).toHaveCount(1);
  await expect(bubbles(page)).toHaveText("Are you there?");
  await expect(field(page)).toHaveValue("");
});

test("a first visit explains in plain words what happens here, also where the processor must do the work", async ({ page, chat }) => {
  await page.goto(chat.address({ gpu: "none" }));
  const explanation = page.getByRole("region", { name: "What happens here" });
  await expect(explanation.getByRole("heading", { level: 3 })).toHaveText(["One download", "Then it runs here", "Nothing is sent"]);
  await expect(explanation).toContainText(/SmolLM2 135M Instruct, 98\sMB, comes from the Hugging Face hub/);
  await expect(explanation).toContainText("Your processor does the work");
  await page.goto(chat.address({}));
  await expect(explanation).toContainText("Your graphics card does the work.");
  await page.goto(chat.address({ stored: "all" }));
  await expect(page.getByRole("button", { name: "Start", exact: true })).toBeVisible();
  await expect(explanation).toHaveCount(0);
});
