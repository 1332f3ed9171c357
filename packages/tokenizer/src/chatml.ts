import type { Template } from "./chat.ts";

/** A line break in a template's string: as itself, or as its escape. */
const LINE = String.raw`(?:\n|\\n)`;

/**
 * ChatML as files write it, with at most a system message for conversations that bring none. Anything else, however little it differs, is the
 * interpreter's.
 */
const CHATML = new RegExp(
  [
    String.raw`^\{% for message in messages %\}`,
    String.raw`(?:\{% if loop\.first and messages\[0\]\['role'\] != 'system' %\}\{\{ ?'<\|im_start\|>system${LINE}([^'\\{}]*)<\|im_end\|>${LINE}' ?\}\}\{% endif %\})?`,
    String.raw`\{\{ ?'<\|im_start\|>' \+ message\['role'\] \+ '${LINE}' \+ message\['content'\] \+ '<\|im_end\|>(?:' \+ ')?${LINE}' ?\}\}\{% endfor %\}`,
    String.raw`\{% if add_generation_prompt %\}\{\{ ?'<\|im_start\|>assistant${LINE}' ?\}\}\{% endif %\}$`,
  ].join(""),
);

/** The most common chat format without an interpreter; undefined for a template that is not just this. */
export function readChatMl(source: string): Template | undefined {
  const match = CHATML.exec(source);
  if (!match) return undefined;
  const [, system] = match;
  return {
    render(messages, { addGenerationPrompt }) {
      const first = system !== undefined && messages[0]?.role !== "system" ? [{ role: "system", content: system }] : [];
      const turns = [...first, ...messages].map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`);
      return turns.join("") + (addGenerationPrompt ? "<|im_start|>assistant\n" : "");
    },
  };
}
