/** A name beside the end of a line. */
export interface Label {
  text: string;
  /** Where the line ends. */
  anchor: number;
  /** Where the name stands. */
  y: number;
}

/**
 * Moves names apart that would stand on one another, as little as it takes: those that touch become a block around the middle of their anchors.
 * @param apart least distance of two names
 * @param from,to where they may stand
 */
export function spreadLabels<T extends Label>(labels: readonly T[], apart: number, from: number, to: number): T[] {
  const blocks = labels.toSorted((a, b) => a.anchor - b.anchor).map((label) => ({ labels: [label], top: clamp(label.anchor, from, to) }));
  for (let at = 0; at + 1 < blocks.length;) {
    const [upper, lower] = [blocks[at], blocks[at + 1]];
    if (!upper || !lower || upper.top + upper.labels.length * apart <= lower.top) {
      at++;
      continue;
    }
    const joined = [...upper.labels, ...lower.labels];
    const middle = joined.reduce((sum, { anchor }) => sum + anchor, 0) / joined.length;
    const height = (joined.length - 1) * apart;
    blocks.splice(at, 2, { labels: joined, top: clamp(middle - height / 2, from, to - height) });
    at = Math.max(0, at - 1);
  }
  return blocks.flatMap(({ labels: inBlock, top }) => inBlock.map((label, index) => ({ ...label, y: top + index * apart })));
}

function clamp(value: number, from: number, to: number): number {
  return Math.max(from, Math.min(to, value));
}
