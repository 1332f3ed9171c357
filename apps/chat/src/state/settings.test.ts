import { describe, expect, test } from "vitest";
import { CHAT_DEFAULTS, MOST_SYSTEM_PROMPT, readChatSettings } from "./chat-settings.ts";
import { DEFAULTS, parseSettings } from "./settings.ts";

describe("stored settings", () => {
  test.each([null, "", "{", "null", "[]", "7", '"text"'])("%j gives the defaults", (json) => {
    expect(parseSettings(json)).toEqual(DEFAULTS);
  });

  test("come back as they were written", () => {
    const settings = {
      theme: "dark" as const,
      autoStart: true,
      modelId: "m",
      backend: "cpu" as const,
      memoryBudget: 256e6,
      chat: { ...CHAT_DEFAULTS, temperature: 0.2, topK: 5, maxTokens: 300, seed: 0, systemPrompt: "x", context: "streaming" as const },
    };
    expect(parseSettings(JSON.stringify(settings))).toEqual(settings);
  });

  test("numbers out of range are brought into it, and whole ones are whole", () => {
    const json = '{"temperature":99,"topP":-1,"topK":3.7,"minP":9,"repetitionPenalty":0,"maxTokens":0,"seed":1e12}';
    expect(parseSettings(json).chat).toMatchObject({
      temperature: 2,
      topP: 0.05,
      topK: 4,
      minP: 0.5,
      repetitionPenalty: 1,
      maxTokens: 1,
      seed: 0xffffffff,
    });
  });

  test("values of the wrong kind are left to the model", () => {
    expect(
      parseSettings(
        '{"temperature":"1","topP":null,"systemPrompt":5,"theme":"pink","autoStart":"yes","modelId":{},"backend":"gpu","context":"far","memoryBudget":7,"chat":[]}',
      ),
    ).toEqual(DEFAULTS);
  });

  test("of before conversations had their own become the defaults of new ones", () => {
    expect(parseSettings('{"systemPrompt":"Be brief.","temperature":0.3,"context":"dense","theme":"dark"}')).toEqual({
      ...DEFAULTS,
      theme: "dark",
      chat: { ...CHAT_DEFAULTS, systemPrompt: "Be brief.", temperature: 0.3, context: "dense" },
    });
  });

  test("a system prompt without end is cut, never inside a character", () => {
    const { systemPrompt } = readChatSettings({ systemPrompt: `${"x".repeat(MOST_SYSTEM_PROMPT - 1)}😀` });
    expect(systemPrompt).toBe(`${"x".repeat(MOST_SYSTEM_PROMPT - 1)}\ufffd`);
  });
});
