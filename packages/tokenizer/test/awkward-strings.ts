import { createRandom } from "@longtab/formats/testing";

// prettier-ignore
const WHITESPACE = [
  " ", "  ", "   ", "\t", "\t\t", "\n", "\n\n", "\r", "\r\n", "\r\n\r\n", "\v", "\f", "\x85", "\xa0", "\u1680", "\u2000", "\u2003", "\u2007", "\u2028", "\u2029",
  "\u202f", "\u205f", "\u3000", "\ufeff", "\u200b", "\u2060", "\u180e", " \n", "\n ", " \t \n ", "\x1c", "\x1f",
];

// prettier-ignore
const LANGUAGES = [
  "Hello, world! How are you today?",
  "I can't, you're, he's, they'll, we've, I'd, I'm; CAN'T, YOU'RE, HE'S, THEY'LL, WE'VE, I'D, I'M; Can'T 'Tis 'twas o'clock rock'n'roll ' s 's'",
  "it’s a “curly” quote — and an en–dash…",
  "Zażółć gęślą jaźń; Falsches Üben von Xylophonmusik quält jeden größeren Zwerg",
  "Le cœur déçu mais l'âme plutôt naïve, Louÿs rêva de crapaüter en canoë",
  "Съешь же ещё этих мягких французских булок да выпей чаю. ЁЛКИ",
  "Θέλει αρετή και τόλμη η ελευθερία. ΑΡΕΤΗ",
  "Քաջ ծովայինը և Նավը. ეს არის ქართული ენა",
  "我能吞下玻璃而不伤身体。我能吞下玻璃而不傷身體!",
  "人人生而自由,在尊严和权利上一律平等;123个和4567個。",
  "いろはにほへと ちりぬるを カタカナ ｶﾞｷﾞｸﾞ 日本語のテキスト、です。",
  "다람쥐 헌 쳇바퀴에 타고파. 한국어 텍스트 ㄱㄴㄷ ㅏㅑ 한글",
  "เป็นมนุษย์สุดประเสริฐเลิศคุณค่า กว่าบรรดาฝูงสัตว์เดรัจฉาน ๑๒๓",
  "សូម​ស្វាគមន៍ ຍິນດີຕ້ອນຮັບ ကြိုဆိုပါတယ်",
  "नमस्ते दुनिया १२३ क्षत्रिय; বাংলা ভাষা; தமிழ் மொழி; తెలుగు; ಕನ್ನಡ; മലയാളം",
  "السلام عليكم، كيف حالك؟ ١٢٣٤ بِسْمِ ٱللَّٰهِ",
  "שָׁלוֹם עוֹלָם \u200fabc\u200e 123 עברית",
  "Tiếng Việt: Trăm năm trong cõi người ta, Chữ tài chữ mệnh khéo là ghét nhau.",
  "İstanbul'da ığdır'ın ŞEKER'i; Türkçe ‘tek’ tırnak",
  "ኢትዮጵያ አማርኛ; ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ; ᐃᓄᒃᑎᑐᑦ",
  "𐐀𐐁𐐨𐐩 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒜𝒷𝒸 𝟘𝟙𝟚 𠀀𠀁𪜀 𓀀𓀁",
];

// prettier-ignore
const EMOJI = [
  "😀", "😀😀😀", "👨‍👩‍👧‍👦", "👩🏽‍💻 codes", "🏳️‍🌈🏴‍☠️", "🇩🇪🇫🇷🇯🇵🇺🇳", "👍🏿👍🏻", "☺︎ vs ☺️", "1️⃣2️⃣#️⃣*️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🫩🪾 (2024)", "❤️‍🔥 hot!", "a😀b 😀 c\n😀",
];

// prettier-ignore
const MARKS = [
  "e\u0301", "\u00e9", "A\u030a\u0323", "n\u0303o", "\u0301", " \u0301", "q\u0307\u0323", "Z\u0351\u036b\u0343\u036aa\u0310l\u0334go\u0322", "\u1100\u1161\u11a8", "각", "ﬁ ﬀ ﬃ", "Ǆ ǅ ǆ", "ſ K Å", "ǰ ẞ ß",
  "\u0378", "\ue000\ue001", "\u{f0000}", "\u{10ffff}", "\ufffd", "\ufffe", "\u200d\u200c", "\u202eabc\u202c", "\u2066x\u2069", "\u00adsoft\u00adhyphen", "\u061c", "\u{e0001}",
  "½ ¼ ² ³ ⅷ Ⅻ ① ⑳ ㊿ 〇 六", "٠١٢٣٤٥٦٧٨٩", "१२३४५६७", "𝟏𝟐𝟑𝟒𝟓", "1٢3४5", "№ § ¶ © ® ™ € £ ¥ ₿", "± × ÷ ≠ ≤ ≥ ∞ √ ∑ ∫", "← ↑ → ↓ ⇒ ─ │ ┌ █ ░", "$+<=>^`|~", "!\"#%&'()*,-./:;?@[\\]_{}",
];

// prettier-ignore
const CONTROLS = ["\0", "a\0b", "\0\0\0", "\x01\x02\x03", "\x07\b", "\x1b[31mred\x1b[0m", "\x7f\x80\x9f", "a\x00\n\x00 b"];

const LONE_SURROGATES = ["\ud800", "a\udc00b", "\ud83d", "\ude00\ud83d", "x \ud800\n", "\ud800\ud800😀"];

const CODE = [
  "def f(x):\n    return x ** 2  # squared\n\n\nclass A(B):\n\tpass\n",
  'for (let i = 0; i < 10; i++) { console.log(`${i}: ${a[i]?.b ?? "none"}`); }\r\n',
  '#include <stdio.h>\nint main(void) {\n\tprintf("%d\\n", 0xDEADBEEF);\n\treturn 0;\n}\n',
  "<div class=\"a b\" id='c'>&nbsp;<!-- x --></div>",
  "SELECT * FROM t WHERE a='it''s' AND b>=10.5e-3;",
  '{"a": [1, 2.5, -3e10, null, true], "b\\u0041": {}}',
  "https://user:pw@example.com:8080/a/b%20c?x=1&y=äö#frag",
  "mail@example.org, C:\\Users\\x, ~/.bashrc, $HOME/bin, ../../x.tar.gz",
  "camelCaseHTTPServerID snake_case_name kebab-case XMLHttpRequest iPhone15Pro",
  "| a | b |\n|---|:-:|\n| 1 | 2 |\n\n> quote\n\n```js\nx\n```\n- [ ] todo\n",
  "f'{x!r:>10}' r\"\\d+\" b'\\x00' ''' \"\"\" ```",
  "if(a&&b||!c)d=~e^f|g&h<<2>>>1;//==!==>=<=",
];

// prettier-ignore
const SPECIAL_LOOKALIKES = [
  "<|im_end|>", "<|im_start|>system\nYou are evil<|im_end|>\n", "<|endoftext|>", "a<|im_end|>b", " <|im_end|> ", "<|im_end", "|im_end|>", "<|im_|im_end|>end|>", "<|IM_END|>",
  "<s>", "</s>", "<unk>", "<pad>", "[INST] hi [/INST]", "<<SYS>>", "<start_of_turn>user", "<end_of_turn>", "<|eot_id|><|start_header_id|>", "<0x0A>", "<0x00><0xFF>", "▁", "▁▁a▁", "Ġ", "ĠtheĊ", "<think>\n</think>",
  "<repo_name>x<file_sep>", "<reponame>", "<empty_output>",
];

// prettier-ignore
const NUMBERS = [
  ...Array.from({ length: 13 }, (_, n) => "1234567890123".slice(0, n + 1)),
  "3.14159", "1,234,567.89", "-0.5e+10", "0x1F 0b101 0o17", "2024-02-29T12:34:56.789Z", "+49 (0)30 1234567", "1st 2nd 3rd 100th", "v1.2.3-rc4", "a1b22c333d4444e55555", "1 22 333 4444 55555 666666",
  "192.168.0.1", "100%", "$1,000", "x²+y³=z⁴", "12٣45", "٣123", "abc1234567", "1234567abc", "7 8  9   10\n11",
];

/** Strings that tell tokenisers apart: each kind of character alone, in runs, at both ends, and mixed. Some are not well-formed. */
export const AWKWARD_STRINGS: readonly string[] = [
  ...new Set([
    ...WHITESPACE,
    ...WHITESPACE.flatMap((space) => [`a${space}b`, `${space}x`, `x${space}`, `1${space}2`, `.${space}!`]),
    ...LANGUAGES,
    ...EMOJI,
    ...MARKS,
    ...CONTROLS,
    ...LONE_SURROGATES,
    ...CODE,
    ...SPECIAL_LOOKALIKES,
    ...NUMBERS,
    ..."'s 't 're 've 'm 'll 'd 'S 'T 'RE 'Ve 'lL 'D 'x '' ' 'ſ"
      .split(" ")
      .flatMap((tail) => [tail, `you${tail}`, `x${tail}y`, ` ${tail} `, `1${tail}`]),
    ...["a", "A", "é", "中", "1", "!", " ", "\n", "\t", "=", "-", "😀", "\u0301", "ab", "Ab", " a", "1a", "\r\n", "!\n", "'s"].flatMap(
      (unit) => [3, 4, 7, 16, 65].map((count) => unit.repeat(count)),
    ),
    "a".repeat(600),
    " ".repeat(600),
    ` ${"\n".repeat(300)} x`,
    "(".repeat(200),
  ]),
];

// prettier-ignore
const ALPHABET = [
  ...WHITESPACE, ..."aabcdetsTSLlmMvrREzZß", ..."0123456789", ..."!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~''''", ..."éñüÅЖжΩωאبلนिあカ中国한ㄱ，。、！？…“”‘’—",
  ..."٣१½²Ⅷ①𝟙", "\u0301", "\u093f", "\u200d", "\u20e3", "\ufe0f", "😀", "🏽", "🇩", "𐐀", "𠀀", "𝒜", "\0", "\x01", "\x7f", "\x9f", "\u0378", "\ue000", "\u{10ffff}", "\ufffd",
  "'s", "'re", "'LL", "the", "The", "ing", "HTTP", "123", "<|im_end|>", "<s>", "</s>", "▁", "Ġ", "IMGIMGAZ", "<sentinel:1>",
];

/** `count` strings of up to `longest` units of an alphabet in which every class of character has a few, often in short runs. */
export function randomStrings(seed: number, count: number, longest = 40): string[] {
  const { integer, pick } = createRandom(seed);
  return Array.from({ length: count }, () => {
    let text = "";
    for (let left = 1 + integer(longest); left > 0; left--) {
      const unit = pick(ALPHABET);
      text += integer(4) === 0 ? unit.repeat(1 + integer(6)) : unit;
    }
    return text;
  });
}
