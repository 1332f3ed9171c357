export const UNTITLED = "New chat";
const TITLE_LENGTH = 48;

/** The first line with words in it, shortened at a word and never inside a grapheme. */
export function titleFrom(text: string): string {
  // A pasted book has a long first line too: what lies behind the first thousand characters cannot matter.
  const line = text
    .slice(0, 1000)
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
