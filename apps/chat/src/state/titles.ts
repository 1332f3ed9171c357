export const UNTITLED = "New chat";
/** Graphemes, of which one can be many characters. */
const TITLE_LENGTH = 48;
/** A pasted book has a long first line too: what lies behind so many characters cannot matter. */
const LOOKED_THROUGH = 1000;
/** Characters of a title, with the dots at its end. */
export const MOST_TITLE = LOOKED_THROUGH + 1;

/** The first line with words in it, shortened at a word and never inside a grapheme. */
export function titleFrom(text: string): string {
  const line = text
    .slice(0, LOOKED_THROUGH)
    .toWellFormed()
    .split("\n")
    .map((part) => part.replace(/\s+/g, " ").trim())
    .find((part) => part !== "");
  if (line === undefined) return UNTITLED;
  const graphemes = Array.from(new Intl.Segmenter().segment(line), (part) => part.segment);
  if (graphemes.length <= TITLE_LENGTH) return line;
  const cut = graphemes.slice(0, TITLE_LENGTH).join("");
  const lastSpace = cut.lastIndexOf(" ");
  return `${(lastSpace > cut.length / 2 ? cut.slice(0, lastSpace) : cut).replace(/[\s.,;:!?]+$/, "")}…`;
}
