import { ask, call, expect, seen, start, test } from "./support/widget/widget-test.ts";

test.describe("one script tag on a page of another origin, under a strict policy", () => {
  test("fetches nothing but itself, states the size, downloads when asked, and answers", async ({ visit, cdn }) => {
    cdn.publishDefaultModel();
    const page = await visit({ body: "<longtab-chat></longtab-chat>" });
    const chat = page.locator("longtab-chat");
    await expect(chat.getByRole("button", { name: "Download 98 MB" })).toBeVisible();
    await expect(chat.getByText("98 MB, downloaded once and kept in this browser")).toBeVisible();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    expect(page.workers()).toHaveLength(0);
    expect(cdn.requests.every((request) => request === "GET /longtab-chat.js" || /^GET \/assets\/shared-[\w-]+\.js$/.test(request))).toBe(
      true,
    );
    expect(await page.evaluate(async () => (await indexedDB.databases()).length)).toBe(0);

    await chat.getByRole("button", { name: "Download 98 MB" }).click();
    await expect(chat.getByText(/^\d+ MB of 98 MB · .*\d+ MB a second/)).toBeVisible();
    await chat.getByRole("button", { name: "Cancel" }).click();
    await chat.getByRole("button", { name: /Continue|Download/ }).click();
    await chat.locator("textarea").waitFor({ timeout: 60_000 });
    const [ready] = await seen(page, "ready");
    expect(ready?.detail).toMatchObject({ model: { id: "smollm2-135m-instruct" } });
    expect(await seen(page, "progress")).not.toHaveLength(0);

    await ask(chat, "What is the capital of France?");
    // Small models do not always say Paris.
    await expect(chat.getByRole("log").locator(".answer")).toContainText(/Paris|France/, { timeout: 60_000 });
    expect((await seen(page, "message")).map(({ detail }) => detail["role"])).toEqual(["user", "assistant"]);

    await page.reload();
    await expect(chat.getByText("Stored on this device: nothing to download")).toBeVisible();
    expect(page.workers()).toHaveLength(0);
  });

  test("looks up the size of a model that it does not know only when asked, without fetching it", async ({ visit, cdn }) => {
    const page = await visit({ body: `<longtab-chat model="${cdn.base}/models/tiny.gguf"></longtab-chat>` });
    const chat = page.locator("longtab-chat");
    await expect(chat.getByText("Its size is not known yet")).toBeVisible();
    expect(cdn.requests.filter((request) => request.includes("/models/"))).toEqual([]);
    await chat.getByRole("button", { name: "Look up the size" }).click();
    await expect(chat.getByRole("button", { name: /^Download \d+ kB$/ })).toBeVisible();
    expect(cdn.requests.filter((request) => request.includes("/models/"))).toEqual(["HEAD /models/tiny.gguf"]);
  });

  test("fetches on a graphics card what scripts/size.mjs weighs, and no more", async ({ visit, cdn }) => {
    const page = await visit({ body: `<longtab-chat backend="webgpu" model="${cdn.base}/models/tiny.gguf"></longtab-chat>` });
    const chat = page.locator("longtab-chat");
    expect(await call(chat, async (element) => element.send("Hello"))).not.toBe("");
    const scripts = new Set(
      cdn.requests.filter((request) => /\.(?:js|wasm)$/.test(request)).map((request) => request.replace(/-[\w-]{8}\.js$/, "")),
    );
    expect([...scripts].toSorted()).toEqual(["GET /assets/engine", "GET /assets/shared", "GET /assets/worker", "GET /longtab-chat.js"]);
  });

  for (const [directive, change] of [
    ["worker-src", (policy: string) => policy.replace("worker-src blob:", "worker-src 'none'")],
    ["script-src", (policy: string) => policy.replace(/script-src \S+/, "script-src 'nonce-n'")],
    ["connect-src", (policy: string) => policy.replace(/connect-src [^;]+/, "connect-src 'none'")],
  ] as const) {
    test(`names ${directive} where that forbids the model to run`, async ({ visit, host, cdn, breaches }) => {
      const body = `<longtab-chat model="${cdn.base}/models/tiny.gguf"></longtab-chat>`;
      const page = await visit({ body, policy: change(host.strictPolicy) });
      const chat = page.locator("longtab-chat");
      await call(chat, (element) => element.start());
      await expect(chat.getByText(`to its ${directive} directive`)).toBeVisible({ timeout: 20_000 });
      const [error] = await seen(page, "error");
      expect(error?.detail).toMatchObject({ code: "policy-blocked", limit: directive });
      await expect(chat.getByRole("button", { name: "Try again" })).toBeVisible();
      breaches.length = 0;
    });
  }

  test("computes on several threads where the page is isolated", async ({ visit, cdn }) => {
    const page = await visit({ body: `<longtab-chat backend="cpu" model="${cdn.base}/models/tiny.gguf"></longtab-chat>`, isolated: true });
    const chat = page.locator("longtab-chat");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await start(chat);
    const [ready] = await seen(page, "ready");
    const threads = await page.evaluate(() => navigator.hardwareConcurrency);
    expect(ready?.detail).toMatchObject({ model: { cpu: { threads } } });
    expect(await call(chat, async (element) => element.send("Hello"))).not.toBe("");
  });
});

test("two elements share one engine, which ends with the last of them", async ({ visit, cdn }) => {
  const model = `${cdn.base}/models/slow.gguf`;
  const page = await visit({
    body: `<div><longtab-chat id="a" model="${model}"></longtab-chat></div><p></p><longtab-chat id="b" model="${model}"></longtab-chat>`,
  });
  const [a, b] = [page.locator("#a"), page.locator("#b")];
  await start(a);
  await expect(b.locator("textarea")).toBeVisible();
  expect(page.workers()).toHaveLength(1);
  expect(cdn.requests.filter((request) => request === "GET /models/slow.gguf")).toHaveLength(1);

  await ask(a, "A first question");
  await expect(a.getByRole("button", { name: "Stop" })).toBeVisible();
  await ask(b, "A second question");
  await expect(b.locator(".answer")).toHaveAttribute("data-note", /answering in another chat on this page/);
  await a.getByRole("button", { name: "Stop" }).click();
  await expect(b.locator(".text")).not.toBeEmpty({ timeout: 30_000 });
  await b.getByRole("button", { name: "Stop" }).click();

  // Moved, an element keeps its conversation and its model.
  await page.evaluate(() => document.querySelector("p")?.append(document.querySelector("#a") as Element));
  await expect(a.locator(".question")).toContainText("A first question");
  await expect(a.locator("textarea")).toBeVisible();
  await page.evaluate(() => document.querySelector("#b")?.remove());
  expect(page.workers()).toHaveLength(1);
  await page.evaluate(() => document.querySelector("#a")?.remove());
  await expect.poll(() => page.workers().length).toBe(0);
});

test("a page asks, stops and clears by methods, and hears of everything by events", async ({ visit, cdn }) => {
  const page = await visit({ body: `<longtab-chat system="Be brief." model="${cdn.base}/models/slow.gguf"></longtab-chat>` });
  const chat = page.locator("longtab-chat");
  // The page asks, so the model is loaded for it.
  const stopped = await call(chat, async (element) => {
    const answer = element.send("One");
    await new Promise<void>((resolve) => {
      const watch = (): void => void (element.shadowRoot?.querySelector(".text")?.textContent ? resolve() : setTimeout(watch, 20));
      watch();
    });
    element.stop();
    return answer;
  });
  expect(stopped).not.toBe("");
  await expect(chat.getByText("Stopped")).toBeVisible();
  expect((await seen(page, "message")).map(({ detail }) => detail)).toEqual([
    { role: "user", content: "One" },
    { role: "assistant", content: stopped, ended: "stopped" },
  ]);
  expect(await call(chat, (element) => element.messages.length)).toBe(2);
  await call(chat, (element) => element.clear());
  await expect(chat.locator(".question")).toHaveCount(0);
  const refused = await call(chat, async (element) => element.send(" ").catch((error: unknown) => (error as { code: string }).code));
  expect(refused).toBe("invalid-message");
  const absent = await call(chat, async () =>
    document
      .createElement("longtab-chat")
      .send("Hello")
      .catch((error: unknown) => (error as { code: string }).code),
  );
  expect(absent).toBe("disposed");
});

test("what a page writes wrongly is a typed error and harms nothing", async ({ visit, cdn }) => {
  const page = await visit({ body: '<longtab-chat model="no-such" context="huge" theme="pink" opener="<<"></longtab-chat>' });
  const chat = page.locator("longtab-chat");
  await expect(chat.getByRole("alert")).toContainText("The attribute context has an unknown value");
  const errors = await seen(page, "error");
  expect(errors.map(({ detail }) => detail["code"])).toEqual(["invalid-option", "invalid-option", "invalid-option"]);
  for (const { detail } of errors) expect(detail["remedy"]).toBeTruthy();
  await chat.evaluate((element) => element.removeAttribute("context"));
  await expect(chat.getByRole("alert")).toContainText("There is no model of this name");
  // A page that shows failures itself.
  await page.evaluate(() => (window.preventErrors = true));
  await chat.evaluate((element) => element.setAttribute("model", "another-one"));
  await expect(chat.getByRole("alert")).toHaveCount(0);
  // Made good, it works: attributes that change later count.
  await call(chat, (element) => void (element.model = ""));
  await expect(chat.getByRole("button", { name: /Download 98 MB/ })).toBeVisible();
  await chat.evaluate((element, base) => ((element as HTMLElement & { model: string }).model = `${base}/models/tiny.gguf`), cdn.base);
  await expect(chat.getByText("tiny.gguf")).toBeVisible();
});
