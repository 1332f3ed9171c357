/** Text as it is searched: without case and without marks, so that "resume" finds "Résumé"; compatible forms are one. */
export function fold(text: string): string {
  // Final sigma and the like differ by their place only: through the upper case they become one.
  return text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toUpperCase()
    .toLowerCase();
}

/** Characters [start, end) of `text` that match a folded query; undefined where none do. */
export function findFolded(text: string, folded: string): { start: number; end: number } | undefined {
  const at = fold(text).indexOf(folded);
  if (at < 0 || folded === "") return undefined;
  // Folding a text is folding its graphemes one by one, except for what it does not do: move anything across them.
  let length = 0;
  let start: number | undefined;
  for (const { segment, index } of new Intl.Segmenter().segment(text)) {
    const next = length + fold(segment).length;
    if (start === undefined && next > at) start = index;
    if (next >= at + folded.length) return { start: start ?? index, end: index + segment.length };
    length = next;
  }
  return undefined;
}
