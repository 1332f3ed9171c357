import { readFileSync } from "node:fs";
import { isLongtabError } from "@longtab/errors";
import { describe, expect, it } from "vitest";
import { ChatTemplate } from "../src/chat-template.ts";
import type { Message } from "../src/chat.ts";

interface Rendered {
  conversations: Message[][];
  /** By template and conversation: with the generation prompt and without; null where the template refuses. */
  rendered: Record<string, [string | null, string | null][]>;
}

const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"));
const templates = fixture("templates") as Record<string, { template: string; tokens: Record<string, string> }>;
const { conversations, rendered } = fixture("rendered") as Rendered;
const NOW = new Date(2026, 1, 3, 14, 5, 6);

const render = (source: string, messages: Message[] = [{ role: "user", content: "hi" }]): string =>
  new ChatTemplate(source, {}).render(messages, { addGenerationPrompt: true, now: NOW });

describe("chat templates", () => {
  it.each(Object.entries(templates))("%s renders as Jinja does for transformers", (name, { template, tokens }) => {
    const chat = new ChatTemplate(template, tokens);
    const ours = (messages: Message[], addGenerationPrompt: boolean): string | null => {
      try {
        return chat.render(messages, { addGenerationPrompt, now: NOW });
      } catch (error) {
        if (isLongtabError(error) && error.code === "template-failed") return null;
        throw error;
      }
    };
    expect(conversations.map((messages) => [ours(messages, true), ours(messages, false)])).toEqual(rendered[name]);
  });

  it("says what the template said when it refuses the messages", () => {
    expect(() => render("{{ raise_exception('Turns must alternate.') }}")).toThrow(
      expect.objectContaining({ code: "template-failed", what: "The model's chat template refuses these messages: Turns must alternate" }),
    );
  });

  it("strips what Python strips", () => {
    expect(render("[{{ '\\x1c\\u0085 \\u3000a\\ufeff' | trim }}]", [{ role: "user", content: "" }])).toBe("[a\ufeff]");
    expect(render("[{{ messages[0].content.strip('\\n-') }}]", [{ role: "user", content: "\n-- a -\n" }])).toBe("[ a ]");
    expect(render("[{{ messages[0].content.lstrip() }}|{{ messages[0].content.rstrip() }}]", [{ role: "user", content: " a " }])).toBe(
      "[a | a]",
    );
  });

  it("names months and days in English", () => {
    expect(render("{{ strftime_now('%A %a %d %-d %B %b %Y %y %H:%M:%S %I%p %q %%') }}")).toBe(
      "Tuesday Tue 03 3 February Feb 2026 26 14:05:06 02PM %q %",
    );
  });

  it.each([
    ["a range beyond reason", "{% for i in range(10**9) %}x{% endfor %}"],
    ["a range without end", "{% for i in range(0, 10, 0) %}x{% endfor %}"],
    ["a range of anything", "{% for i in range('x') %}x{% endfor %}"],
    ["nested loops", "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}"],
    ["nested loops over a list", "{% set l = range(99999) %}{% for i in l %}{% for j in l %}{% endfor %}{% endfor %}"],
    ["a string that doubles", "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}"],
    ["a list that doubles", "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}"],
    [
      "a list of itself twice",
      "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}",
    ],
    ["an indent beyond reason", "{{ 'a\nb' | indent(10**8) }}"],
    ["a replacement that explodes", "{% set s = range(9999) | join('') %}{{ s | replace('', s) | length }}"],
    ["a macro that calls itself", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}"],
    [
      "a macro that calls itself, beside names that there are none of",
      "{% macro f(x) %}{{ [messages, [nothing, messages.__proto__ | default('x')]] }}{{ f(x) }}{% endmacro %}{{ f(1) }}",
    ],
    ["deep nesting", `{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`],
    ["deep tags", "{% if true %}".repeat(15_000)],
    ["an unclosed tag", "{% if messages %}"],
    ["a syntax error", "{{ 1 + }}"],
    ["an unknown filter", "{{ messages | frobnicate }}"],
    ["a call of nothing", "{{ nothing() }}"],
    ["a template that is too long", "x".repeat(300_000)],
    ["whitespace without end", `${" ".repeat(250_000)}x`],
    ["a tag of whitespace", `{%${" ".repeat(250_000)}%}`],
    [
      "comparisons of all that is in a list",
      "{% set l = [range(50000)] %}{% for i in range(9000) %}{% if l == 'x' %}{% endif %}{% endfor %}",
    ],
    [
      "long strings stripped of as many characters",
      "{% set ns = namespace(a='a', b='b') %}{% for i in range(19) %}{% set ns.a = ns.a ~ ns.a %}{% set ns.b = ns.b ~ ns.b %}{% endfor %}" +
        "{% for i in range(99) %}{% set x = ns.b.strip(ns.a ~ 'b') %}{% endfor %}",
    ],
  ])("stops %s with template-failed, in time", { retry: 3 }, (_, source) => {
    // Again where the machine stood still meanwhile: the least of several times is what the code takes.
    const start = performance.now();
    expect(() => render(source)).toThrow(expect.objectContaining({ code: "template-failed" }));
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it.each([
    "messages.constructor",
    "messages[0].content.constructor",
    "''.__proto__",
    "range.constructor",
    "globalThis",
    "namespace.constructor",
  ])("does not reach %s", (expression) => {
    expect(render(`[{{ ${expression} }}]`)).toBe("[]");
  });

  it("renders a thousand long messages", () => {
    const messages = Array.from({ length: 1000 }, (_, index): Message => ({
      role: index % 2 === 0 ? "user" : "assistant",
      content: `${index} `.repeat(200),
    }));
    for (const { template, tokens } of Object.values(templates)) {
      const text = new ChatTemplate(template, tokens).render(messages, { addGenerationPrompt: true, now: NOW });
      expect(text.length).toBeGreaterThan(100);
    }
  });
});
