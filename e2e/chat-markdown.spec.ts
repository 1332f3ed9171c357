import { type Page, expect, test } from "@playwright/test";
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** Model output is hostile: it may repeat what a pasted text told it to. No content security policy helps here; the renderer stands alone. */
const HOSTILE = [
  "<script>window.pwned=1</script>",
  "<img src=x onerror=window.pwned=1>",
  "<svg><script>window.pwned=1</script></svg>",
  "<svg onload=window.pwned=1>",
  "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
  "<iframe src=https://evil.test/frame></iframe>",
  "<object data=https://evil.test/o></object><embed src=https://evil.test/e>",
  "<style>@import 'https://evil.test/s.css'; body{background:url(https://evil.test/b)}</style>",
  "<link rel=stylesheet href=https://evil.test/s.css><link rel=prefetch href=https://evil.test/p>",
  "<meta http-equiv=refresh content='0;url=https://evil.test/'>",
  "<base href=https://evil.test/>",
  "<form action=https://evil.test/><input name=a autofocus onfocus=window.pwned=1><button formaction=javascript:window.pwned=1>x</button></form>",
  "<video src=https://evil.test/v poster=https://evil.test/p autoplay></video><audio src=https://evil.test/a autoplay></audio>",
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.pwned=1&gt;">',
  '<noscript><p title="</noscript><img src=x onerror=window.pwned=1>">',
  "<details open ontoggle=window.pwned=1>x</details>",
  "<a href=javascript:window.pwned=1>raw</a>",
  "<p style='background:url(https://evil.test/x)'>styled</p>",
  "![pixel](https://evil.test/pixel.png)",
  "![pixel][1]\n\n[1]: https://evil.test/reference.png",
  "[![linked](https://evil.test/linked.png)](https://example.com)",
  '!["onerror=window.pwned=1](x"onerror="window.pwned=1)',
  "[click](javascript:window.pwned=1)",
  "[click](JaVaScRiPt:window.pwned=1)",
  "[click](java\tscript:window.pwned=1)",
  "[click](&#106;avascript:window.pwned=1)",
  "[click](data:text/html,<script>window.pwned=1</script>)",
  "[click](vbscript:x) [click](file:///etc/passwd) [click](blob:x) [click](//evil.test) [click](#/chat/x) [click](../up)",
  "<javascript:window.pwned=1>",
  '[title](https://example.com "x\\" onmouseover=\\"window.pwned=1")',
  '```"><img src=x onerror=window.pwned=1>\ncode\n```',
  "- ```<img/src=x/onerror=window.pwned=1>\n  </code></pre><script>window.pwned=1</script>\n  ```",
  "`<img src=x onerror=window.pwned=1>`",
  "| <img src=x onerror=window.pwned=1> | b |\n| - | - |\n| <script>window.pwned=1</script> | [x](javascript:window.pwned=1) |",
  "> <div id=app name=getElementById onclick=window.pwned=1>clobber</div>",
  "# <img src=x onerror=window.pwned=1> heading {onclick=window.pwned=1}",
  "&lt;script&gt;window.pwned=1&lt;/script&gt;",
  "<scr<script>ipt>window.pwned=1</scr</script>ipt>",
  "<a\u0000 href=javascript:window.pwned=1>x</a>\ud800<img src=x onerror=window.pwned=1>",
];

const TAGS = new Set(
  "P BR HR H1 H2 H3 H4 H5 H6 STRONG EM DEL CODE PRE BLOCKQUOTE UL OL LI A TABLE THEAD TBODY TR TH TD DIV SPAN BUTTON".split(" "),
);
const ATTRIBUTES = new Set(["href", "title", "start", "class", "align", "target", "rel", "type", "tabindex", "role", "aria-label"]);

let page: Page;
const requests: string[] = [];

test.beforeAll(async ({ browser }) => {
  const entry = fileURLToPath(new URL("../apps/chat/test/markdown-page.ts", import.meta.url));
  const built = await build({ configFile: false, logLevel: "warn", build: { write: false, lib: { entry, formats: ["es"] } } });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (bundle === undefined || !("output" in bundle)) throw new Error("Vite built nothing");
  const script = bundle.output[0].code;
  page = await browser.newPage();
  await page.route("**/*", async (route) => {
    const { pathname, host } = new URL(route.request().url());
    if (host === "markdown.test" && pathname === "/")
      await route.fulfill({ contentType: "text/html", body: "<script type=module src=/page.js></script>" });
    else if (host === "markdown.test" && pathname === "/page.js") await route.fulfill({ contentType: "text/javascript", body: script });
    else {
      requests.push(route.request().url());
      await route.abort();
    }
  });
  await page.goto("http://markdown.test/");
  await page.waitForFunction(() => "markdownPage" in window);
  requests.length = 0;
});

test.afterAll(async () => page.close());

test("hostile Markdown runs nothing, loads nothing and leaves only the allowed tags", async () => {
  for (const sample of HOSTILE) {
    const found = await page.evaluate(async (text) => {
      window.markdownPage.show(text);
      // Time for an image to fail, a frame to load or a script to run.
      await new Promise((done) => setTimeout(done, 30));
      const elements = [...document.body.querySelectorAll("*")];
      return {
        tags: elements.map(({ tagName }) => tagName),
        attributes: elements.flatMap((element) => element.getAttributeNames()),
        links: [...document.body.querySelectorAll("a")].map(({ protocol, target, rel, href }) =>
          href === "" ? null : { protocol, target, rel },
        ),
        pwned: window.pwned,
        address: location.href,
      };
    }, sample);
    expect(found.pwned, sample).toBeUndefined();
    expect(found.address, sample).toBe("http://markdown.test/");
    expect(
      found.tags.filter((tag) => !TAGS.has(tag)),
      sample,
    ).toEqual([]);
    expect(
      found.attributes.filter((name) => !ATTRIBUTES.has(name)),
      sample,
    ).toEqual([]);
    for (const link of found.links) {
      if (link === null) continue;
      expect(["http:", "https:", "mailto:"], sample).toContain(link.protocol);
      expect(link, sample).toMatchObject({ target: "_blank", rel: "noopener noreferrer nofollow" });
    }
    expect(requests, sample).toEqual([]);
  }
});

test("raw HTML is shown as the text it is", async () => {
  await page.evaluate(() => window.markdownPage.show("Use <b>bold</b> and:\n\n<div class='x'>a div</div>"));
  await expect(page.locator("body")).toContainText("Use <b>bold</b> and:");
  await expect(page.locator("body")).toContainText("<div class='x'>a div</div>");
});

test("an image becomes a link to it", async () => {
  await page.evaluate(() => window.markdownPage.show("![a cat](https://example.com/cat.png)"));
  await expect(page.getByRole("link", { name: "a cat" })).toHaveAttribute("href", "https://example.com/cat.png");
});

test("ordinary Markdown keeps its structure", async () => {
  await page.evaluate(() =>
    window.markdownPage.show("## H\n\n3. three\n\n- [x] done\n\n| a | b |\n| - | -: |\n| 1 | 2 |\n\n- code:\n  ```ts\n  let a;\n  ```"),
  );
  await expect(page.getByRole("heading", { level: 2 })).toHaveText("H");
  await expect(page.locator("ol")).toHaveAttribute("start", "3");
  await expect(page.getByText("☑ done")).toBeVisible();
  await expect(page.getByRole("cell", { name: "2" })).toHaveAttribute("align", "right");
  await expect(page.locator("li .code-block code")).toHaveText("let a;");
  await expect(page.locator("li .code-block .code-bar span")).toHaveText("ts");
});
