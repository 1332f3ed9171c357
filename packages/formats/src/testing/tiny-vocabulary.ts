/** Token kinds of tokenizer.ggml.token_type. */
const NORMAL = 1;
const CONTROL = 3;
const UNUSED = 5;

const SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/** Merges of English in an order that builds each from what is there: "Ġ" is the byte-level spelling of a space. */
const ENGLISH =
  "Ġ t|h e|Ġ a|i n|r e|o n|Ġt he|e r|Ġ s|a t|Ġ w|Ġ o|e n|Ġ c|i t|i s|a n|o r|e s|Ġ b|e d|Ġ f|in g|Ġ p|o u|Ġa n|a l|a r|Ġt o|Ġ m|Ġo f|Ġ in|Ġ d|Ġ h|Ġan d|" +
  "i c|a s|l e|Ġt h|i on|o m|l l|en t|Ġ n|Ġ l|s t|Ġ re|v e|Ġ e|r o|l y|Ġb e|Ġ g|c t|Ġ y|Ġy ou|i d|o t|Ġ Ġ";

/**
 * A byte-level BPE vocabulary of `size` tokens: three specials, the 256 bytes, then one token a merge: common ones of English, then pairs of lower-case
 * letters, then unused tokens.
 */
export function tinyVocabulary(size: number): { tokens: string[]; tokenTypes: number[]; merges: string[] } {
  const tokens = [...SPECIALS, ...byteAlphabet()];
  if (size < tokens.length) throw new RangeError(`A vocabulary of ${size} cannot hold ${tokens.length} specials and bytes`);
  const tokenTypes: number[] = tokens.map((_, id) => (id < SPECIALS.length ? CONTROL : NORMAL));
  const merges: string[] = [];
  const known = new Set(tokens);
  for (const merge of [...ENGLISH.split("|"), ...letterPairs()]) {
    const token = merge.replace(" ", "");
    if (tokens.length === size) break;
    if (known.has(token)) continue;
    known.add(token);
    tokens.push(token);
    tokenTypes.push(NORMAL);
    merges.push(merge);
  }
  while (tokens.length < size) {
    tokens.push(`<|unused_${tokens.length}|>`);
    tokenTypes.push(UNUSED);
  }
  return { tokens, tokenTypes, merges };
}

/** GPT-2's spelling of the 256 bytes: printable ones of Latin-1 as themselves, the others as the characters from U+0100 on, in order. */
function byteAlphabet(): string[] {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    if (isPrintable(byte)) return String.fromCodePoint(byte);
    others += 1;
    return String.fromCodePoint(255 + others);
  });
}

function isPrintable(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

function letterPairs(): string[] {
  const letters = Array.from("abcdefghijklmnopqrstuvwxyz");
  return letters.flatMap((first) => letters.map((second) => `${first} ${second}`));
}
