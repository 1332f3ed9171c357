/**
 * Rows of the next step of a prompt at `position`, with `left` tokens to read, of which the last `apart` have steps of their own. Steps end at
 * multiples of `most`: a row sees the pages before its step as they are when they are closed, so that what it sees must not depend on how fast
 * the machine is. A step of one row may read less than one of many, so that none is left over.
 */
export function promptRows(position: number, left: number, apart: number, most: number): number {
  if (left <= apart) return 1;
  const rest = left - apart;
  const aligned = most - (position % most);
  const rows = Math.min(rest, aligned > 1 ? aligned : 1 + most / 2);
  if (rest - rows !== 1) return rows;
  return rows === 2 ? 3 : rows - 1;
}
