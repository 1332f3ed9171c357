import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { ask, call, expect, start, test } from "./support/widget/widget-test.ts";

/** Without a policy a page may have styles of its own. */
const NO_POLICY = "";

/** Pages whose styles reach for everything. */
const HOSTILE = {
  plain: "",
  shouting: `<style>* { color: red !important; font: 30px/1 cursive !important; letter-spacing: 5px !important; text-transform: uppercase !important; background: yellow; border: 4px dashed blue; padding: 20px; box-sizing: content-box }
    button { display: none } p { margin: 50px }</style>`,
  tiny: `<style>html { font-size: 6px; line-height: 3 } body { text-align: center; color: #fff; background: #000; word-spacing: 1em; direction: ltr } section, header, div { position: absolute }</style>`,
};

async function expectNoViolations(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .include("longtab-chat")
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    .analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`)).toEqual([]);
}

test("has no violations that axe finds, in both themes: before, ready, answered", async ({ visit, cdn }) => {
  const page = await visit({
    body: `<main><h1>Page</h1><longtab-chat model="${cdn.base}/models/tiny.gguf"></longtab-chat></main>`,
    policy: NO_POLICY,
  });
  const chat = page.locator("longtab-chat");
  await expectNoViolations(page);
  await start(chat);
  await call(chat, async (element) => element.send("Hello **there**"));
  for (const theme of ["light", "dark"]) {
    await chat.evaluate((element, value) => element.setAttribute("theme", value), theme);
    await expectNoViolations(page);
  }
});

test("looks the same whatever the page's styles", async ({ visit, host }) => {
  const looks: unknown[] = [];
  for (const head of Object.values(HOSTILE)) {
    const page = await visit({
      body: '<longtab-chat theme="light" style="display:block;width:400px;height:500px;margin:0"></longtab-chat>',
      head,
      policy: NO_POLICY,
    });
    await page.locator("longtab-chat .primary").waitFor();
    looks.push(
      await page.locator("longtab-chat").evaluate((element) =>
        ["h2", ".model", ".primary", ".card", "footer", ".panel"].map((selector) => {
          const part = element.shadowRoot?.querySelector(selector) as Element;
          const style = getComputedStyle(part);
          const { width, height } = part.getBoundingClientRect();
          const wanted = [
            "color",
            "fontSize",
            "fontFamily",
            "letterSpacing",
            "textTransform",
            "textAlign",
            "wordSpacing",
            "padding",
            "backgroundColor",
          ] as const;
          return { selector, width: Math.round(width), height: Math.round(height), style: wanted.map((name) => style[name]) };
        }),
      ),
    );
  }
  expect(host.strictPolicy).toContain("style-src 'none'");
  expect(looks[1]).toEqual(looks[0]);
  expect(looks[2]).toEqual(looks[0]);
});

test("is as dark as its page, also when that changes, unless told", async ({ visit }) => {
  const page = await visit({
    body: "<longtab-chat></longtab-chat>",
    head: "<style>html.night { color: #eee; background: #111 }</style>",
    policy: NO_POLICY,
  });
  const chat = page.locator("longtab-chat");
  const ground = async (): Promise<string> => chat.locator("[part=panel]").evaluate((panel) => getComputedStyle(panel).backgroundColor);
  expect(await ground()).toBe("rgb(250, 248, 245)");
  await page.evaluate(() => document.documentElement.classList.add("night"));
  await expect.poll(ground).toBe("rgb(23, 23, 22)");
  await chat.evaluate((element) => element.setAttribute("theme", "light"));
  await expect.poll(ground).toBe("rgb(250, 248, 245)");
});

test("is used by the keyboard alone: opens, writes, sends, closes and gives the focus back", async ({ visit, cdn }) => {
  const page = await visit({
    body: `<a href="#x">Link</a><longtab-chat opener="bubble" model="${cdn.base}/models/tiny.gguf"></longtab-chat>`,
  });
  const chat = page.locator("longtab-chat");
  const launcher = chat.locator("[part=launcher]");
  await expect(launcher).toHaveAttribute("aria-expanded", "false");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await expect(launcher).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(chat.getByRole("dialog")).toBeVisible();
  await expect(chat).toHaveAttribute("open", "");
  await expect(chat.getByRole("button", { name: "Look up the size" })).toBeFocused();
  await page.keyboard.press("Enter");
  await chat.getByRole("button", { name: /^Download/ }).press("Enter");
  const field = chat.locator("textarea");
  await expect(field).toBeFocused({ timeout: 30_000 });
  await page.keyboard.type("one");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("two");
  await expect(field).toHaveValue("one\ntwo");
  await page.keyboard.press("Enter");
  await expect(field).toHaveValue("");
  await expect(chat.getByRole("log").locator(".answer")).toBeAttached({ timeout: 30_000 });
  await expect(chat.locator(".question")).toContainText("one\ntwo");
  await page.keyboard.press("Escape");
  await expect(chat.getByRole("dialog")).toBeHidden();
  await expect(launcher).toBeFocused();
});

test("is opened by a button of the page's own", async ({ visit }) => {
  const page = await visit({ body: '<button class="help">Help</button><longtab-chat opener=".help"></longtab-chat>' });
  const help = page.getByRole("button", { name: "Help" });
  await expect(help).toHaveAttribute("aria-expanded", "false");
  await help.click();
  await expect(page.locator("longtab-chat").getByRole("dialog")).toBeVisible();
  await expect(help).toHaveAttribute("aria-expanded", "true");
  await page.keyboard.press("Escape");
  await expect(help).toBeFocused();
});

test("announces a finished answer once, not its tokens", async ({ visit, cdn }) => {
  const page = await visit({ body: `<longtab-chat model="${cdn.base}/models/slow.gguf"></longtab-chat>` });
  const chat = page.locator("longtab-chat");
  await start(chat);
  await chat.evaluate((element) => {
    const log = element.shadowRoot?.querySelector("[role=log]") as Element;
    const added: string[] = [];
    Object.assign(window, { added });
    new MutationObserver((records) => {
      for (const { addedNodes } of records) for (const node of addedNodes) added.push((node as Element).className || node.nodeName);
    }).observe(log, { childList: true, subtree: true, characterData: true });
  });
  await ask(chat, "Hello");
  await expect(chat.getByRole("status")).toHaveText(/Writing an answer/, { timeout: 30_000 });
  await chat.getByRole("button", { name: "Stop" }).click();
  await expect(chat.getByRole("log").locator(".answer")).toBeAttached();
  expect(await page.evaluate(() => (window as unknown as { added: string[] }).added)).toEqual(["question", "answer"]);
});

test("speaks the language of its element, then of its page, and goes from right to left", async ({ visit }) => {
  const page = await visit({
    body: '<longtab-chat id="de"></longtab-chat><div lang="ar" dir="rtl"><longtab-chat id="ar" opener="bubble" open></longtab-chat></div><longtab-chat id="ja" lang="ja-JP"></longtab-chat>',
    html: 'lang="de"',
  });
  await expect(page.locator("#de").getByRole("button", { name: "98 MB herunterladen" })).toBeVisible();
  await expect(page.locator("#ja").getByText("この端末から出ません")).toBeVisible();
  const arabic = page.locator("#ar");
  await expect(arabic.getByText("يعمل النموذج داخل هذا المتصفح")).toBeVisible();
  const box = await arabic.locator("[part=panel]").boundingBox();
  expect(box?.x).toBeLessThan(60);
  expect(await arabic.locator("[part=panel]").evaluate((panel) => getComputedStyle(panel).direction)).toBe("rtl");
  await page.evaluate(() => Object.assign(document.querySelector("#de") as Element, { strings: { title: "Fragen Sie uns" } }));
  await expect(page.locator("#de").getByRole("heading", { name: "Fragen Sie uns" })).toBeVisible();
});

test("fills a phone's screen when it is opened, with targets that a finger meets @phone", async ({ visit, cdn }) => {
  const page = await visit({ body: `<p>Page</p><longtab-chat opener="bubble" model="${cdn.base}/models/tiny.gguf"></longtab-chat>` });
  const chat = page.locator("longtab-chat");
  await chat.locator("[part=launcher]").tap();
  const panel = chat.getByRole("dialog");
  await expect(panel).toBeVisible();
  await start(chat);
  await call(chat, async (element) => element.send("Hello"));
  const box = await panel.boundingBox();
  expect(box?.width).toBeGreaterThan(370);
  expect(box?.height).toBeGreaterThan(800);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  for (const button of await chat.getByRole("button").all()) {
    const target = await button.boundingBox();
    expect(Math.min(target?.width ?? 0, target?.height ?? 0)).toBeGreaterThanOrEqual(44);
  }
  expect(await chat.locator("textarea").evaluate((field) => parseFloat(getComputedStyle(field).fontSize))).toBeGreaterThanOrEqual(16);
  await chat.getByRole("button", { name: "Close the chat" }).tap();
  await expect(panel).toBeHidden();
});
