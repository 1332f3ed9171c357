/**
 * How text is cut into words before byte-pair merging, by the name in `tokenizer.ggml.pre`: the expressions of llama.cpp's
 * llama-vocab.cpp with its rules (unicode.cpp). Each step cuts every piece of the step before it, alone; what a step does not match
 * is a piece as well. Two rules differ from the expressions' usual reading and are written out here: Lu, Ll, Lt, Lm and Lo all mean L,
 * and characters beyond ASCII that are whitespace match only \s.
 */

export interface PreTokenizer {
  readonly steps: readonly Step[];
  /** A word that is a token stays whole, whatever its merges say. */
  readonly ignoreMerges: boolean;
  /** Text starts with the BOS token where the file does not say. */
  readonly addBos: boolean;
}

export type Step = RegExp | GroupDigits;

/** Cuts runs of digits into threes, counted from the right. */
export interface GroupDigits {
  readonly runs: RegExp;
  /** Whether a run also ends a piece (and its first group takes the text before it), or starts one. */
  readonly cut: "end" | "start";
}

const CONTRACTION = "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])";
const SYMBOLS = " ?[^\\s\\p{L}\\p{N}]+";
const SPACE = "\\s+(?!\\S)|\\s+";
const LINES = `\\s*[\\r\\n]+|${SPACE}`;
const LETTERS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";

/** The newer families: words take one character of any kind before them, symbols the line breaks after them. */
const words = (digits: string, after = "[\\r\\n]*", lines = LINES): string =>
  `${CONTRACTION}|${LETTERS}|${digits}|${SYMBOLS}${after}|${lines}`;

/** Words split where a lower-case letter is followed by an upper-case one, ASCII only; `letter` is what else belongs to a word. */
const camelCase = (letter: string, contraction: string): string => {
  const upper = `(?:(?![a-z])${letter})`;
  const lower = `(?:(?![A-Z])${letter})`;
  return [`${upper}*${lower}+`, `${upper}+${lower}*`].map((word) => `[^\\r\\n\\p{L}\\p{N}]?${word}${contraction}`).join("|");
};
const caseWords = (digits: string, letter: string, contraction: string): string =>
  `${camelCase(letter, contraction)}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${LINES}`;

const GPT2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|${SYMBOLS}|\\s+(?!\\S)`;
const LLAMA3 = words("\\p{N}{1,3}");
const QWEN2 = words("\\p{N}");
const DIGIT = "\\p{N}";
const THREE_DIGITS = "\\p{N}{1,3}";
const KANA_AND_HAN = "[一-龥぀-ゟ゠-ヿ]+";
// U+0800 to U+4E00 would take whitespace with it.
const CJK = "(?:(?!\\s)[一-龥ࠀ-一가-퟿])+";
// Spaces elsewhere are tried once a run and not from each of them.
const SPACE_AT_THE_END = "(?<!\\s)\\s+$";
const NOT_PUNCTUATED = " ?[^(\\s|.,!?…。，、।۔،)]+";
const ASCII_WORD = "[!-/:-@\\[-`{-~][A-Za-z]+";
const MARKED_WORDS = `${ASCII_WORD}|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+`;
const DEEPSEEK3 = `${MARKED_WORDS}| ?[\\p{P}\\p{S}]+[\\r\\n]*|${LINES}`;
const HAN =
  "[一-鿿㐀-䶿\\u{20000}-\\u{2a6df}\\u{2a700}-\\u{2b73f}\\u{2b740}-\\u{2b81f}\\u{2b820}-\\u{2ceaf}\\u{2ceb0}-\\u{2ebef}\\uf900-\\ufaff\\u{2f800}-\\u{2fa1f}]";
const NOT_HAN_WORD = `(?:(?!${HAN})\\p{L})+(?:${CONTRACTION})?`;
const CASED =
  "[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
const ASIAN = "[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+";
const CHAMELEON = ["<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", DIGIT, "[\\p{P}!-/:-@\\[-`{-~]", GPT2];
const CASCADE = [512, 256, 128, 64, 32, 16, 8, 4].map((count) => `\\s{${count}}(?!\\S)`).join("|");
const THREES_TO_THE_END: GroupDigits = { runs: /\p{N}+/gu, cut: "end" };
const ASCII_THREES: GroupDigits = { runs: /[0-9]+/gu, cut: "start" };

/** Names in the order of llama-vocab.cpp's families; a name ending in "!" ignores merges, one in "^" adds BOS. */
const FAMILIES: readonly (readonly [names: string, ...steps: (string | GroupDigits)[]])[] = [
  ["default", "[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"],
  [
    "llama3!^ llama-v3!^ llama-bpe!^ falcon3!^ falcon-h1!^ pixtral!^ midm-2.0!^ lfm2!^ jina-v5-nano!^ dbrx smaug-bpe chatglm-bpe glm4",
    LLAMA3,
  ],
  ["jais-2", words(THREE_DIGITS, "[\\r\\n]*", `\\s*[\\r\\n]+|${CASCADE}|\\s{1,2}(?!\\S)|\\s`)],
  ["deepseek-llm", "[\\r\\n]", `\\s?${CASED}`, "\\s?[!-/:-~！-／：-～‘-‟、-。]+", SPACE_AT_THE_END, CJK, "\\p{N}+"],
  ["deepseek-coder", "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK, DIGIT],
  ["deepseek-v3 hunyuan-dense joyai-llm hy_v4", THREE_DIGITS, KANA_AND_HAN, DEEPSEEK3],
  ["spark2_5", THREE_DIGITS, KANA_AND_HAN, `${MARKED_WORDS}| ?[\\p{P}\\p{S}]+|[\\r\\n]|${SPACE}`, DIGIT],
  [
    "youtu!",
    "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+",
    `[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+(?:${CONTRACTION})?|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${LINES}`,
  ],
  ["falcon", "[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]"],
  ["starcoder refact command-r smollm codeshell exaone minerva-7b mellum2", DIGIT, GPT2],
  ["gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe gigachat a.x-4.0 mellum modern-bert", GPT2],
  ["mpt olmo jais trillion granite-docling exaone4", GPT2],
  ["qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2", QWEN2],
  ["qwen35", `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${LINES}`],
  ["poro-chat bloom gpt3-finnish", NOT_PUNCTUATED],
  ["viking", NOT_PUNCTUATED, DIGIT],
  ["tekken!^", caseWords(DIGIT, "\\p{L}", "")],
  ["gpt-4o llama4 kanana2 talkie minimax-m2", caseWords(THREE_DIGITS, "\\p{L}", `(?:${CONTRACTION})?`)],
  ["granite-embed-multi-97m!", caseWords(THREE_DIGITS, "[\\p{L}\\p{M}]", `(?:${CONTRACTION})?`)],
  [
    "tiny_aya cohere2moe",
    THREES_TO_THE_END,
    `[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+(?:${CONTRACTION})?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${LINES}`,
  ],
  ["chameleon^", ...CHAMELEON],
  ["kimi-k2", `${HAN}+|[^\\r\\n\\p{L}\\p{N}]?${NOT_HAN_WORD}|${THREE_DIGITS}|${SYMBOLS}[\\r\\n]*|${LINES}`],
  ["superbpe", "\\p{N}+", ASCII_THREES],
  ["bailingmoe bailingmoe2 llada-moe", words(DIGIT, "[\\r\\n]*", `\\s*[\\r\\n]|${SPACE}`)],
  ["seed-coder", `${CONTRACTION}|${LETTERS}|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|${LINES}`],
  ["ufakzeka", `${LETTERS}|\\p{N}|${SYMBOLS}[\\r\\n]*|${LINES}`],
  ["afmoe", THREES_TO_THE_END, ASIAN, DEEPSEEK3],
  ["laguna", "[^\\n]+|\\n+", QWEN2],
  [
    "exaone-moe",
    `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|${SYMBOLS}[\\r\\n/]?|\\s*[\\r\\n]|${SPACE}`,
  ],
  ["minicpm5!", THREE_DIGITS, words("\\p{N}+")],
];

/** The pre-tokeniser of that name, or undefined where llama.cpp has none either or where it is not byte-level BPE. */
export function preTokenizer(name: string): PreTokenizer | undefined {
  for (const [names, ...steps] of FAMILIES) {
    const marks = names
      .split(" ")
      .find((entry) => entry.replace(/[!^]+$/, "") === name)
      ?.slice(name.length);
    if (marks !== undefined) return { steps: steps.map(compile), ignoreMerges: marks.includes("!"), addBos: marks.includes("^") };
  }
  return undefined;
}

/** JavaScript's \s has U+FEFF and lacks U+0085; the expressions mean Unicode's White_Space. */
function compile(step: string | GroupDigits): Step {
  if (typeof step !== "string") return step;
  return new RegExp(step.replaceAll("\\s", "\\p{White_Space}").replaceAll("\\S", "\\P{White_Space}"), "gu");
}
