import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CHATML } from "../src/chat.ts";
import { readTemplate } from "../src/chat-template.ts";
import { readChatMl } from "../src/chatml.ts";

const recorded = JSON.parse(readFileSync(new URL("fixtures/templates.json", import.meta.url), "utf8")) as Record<
  string,
  { template: string }
>;
const SMOLLM =
  "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}" +
  "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const known = [CHATML, SMOLLM, SMOLLM.replaceAll("\n", "\\n")];

const conversations = [
  [{ role: "user", content: "Hi" }],
  [
    { role: "system", content: "Be brief.\n" },
    { role: "user", content: " {{ x }} 'q' <|im_end|>" },
  ],
  [
    { role: "user", content: "" },
    { role: "assistant", content: "\n\n" },
    { role: "system", content: "late" },
    { role: "user", content: "é🦄" },
  ],
] as const;

describe("ChatML without an interpreter", () => {
  test.each(known)("writes what the interpreter writes: %#", (source) => {
    const simple = readChatMl(source);
    for (const messages of conversations)
      for (const addGenerationPrompt of [true, false]) {
        const options = { addGenerationPrompt, now: new Date(0) };
        expect(simple?.render(messages, options)).toBe(readTemplate(source, {}).render(messages, options));
      }
  });

  test("writes what the interpreter writes for every recorded template that it takes", () => {
    const options = { addGenerationPrompt: true, now: new Date(0) };
    const taken = Object.values(recorded).filter(({ template }) => readChatMl(template));
    for (const { template } of taken)
      for (const messages of conversations)
        expect(readChatMl(template)?.render(messages, options)).toBe(readTemplate(template, {}).render(messages, options));
    expect(taken.length).toBeLessThan(Object.keys(recorded).length);
  });

  test.each([
    SMOLLM.replace("{% endfor %}", "{{ eos_token }}{% endfor %}"),
    SMOLLM.replace("message['content']", "message['content'] | trim"),
    SMOLLM.replace("SmolLM", "{{ name }}"),
    `${SMOLLM}\n`,
    SMOLLM.replace("!= 'system'", "!= 'user'"),
  ])("leaves to the interpreter what differs: %#", (source) => {
    expect(readChatMl(source)).toBeUndefined();
  });
});
