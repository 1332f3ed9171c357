/** What a token is, as bits: its `tokenizer.ggml.token_type`, and what llama.cpp derives from names. */
export const Attribute = {
  unknown: 1,
  control: 2,
  userDefined: 4,
  byte: 8,
  /** Whitespace before (lstrip) or after (rstrip) the token in parsed text belongs to the token. */
  lstrip: 16,
  rstrip: 32,
} as const;

/** Tokens that text never turns into by merging: the template or the caller puts them there. */
export const HIDDEN = Attribute.unknown | Attribute.control | Attribute.byte;

/** Tokens that are matched in text before anything else. */
export const SPECIAL = Attribute.unknown | Attribute.control | Attribute.userDefined;
