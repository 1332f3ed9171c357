// Small vocabularies whose merges cross every boundary that a pre-tokeniser may cut at, so that a wrong cut shows in the ids.

/**
 * Plain byte-pair training on sequences of symbols: `count` merges, the most frequent pair first, without any cutting of the text.
 * @param {string[][]} sequences
 * @param {number} count
 * @returns {[string, string][]}
 */
export function train(sequences, count) {
  /** @type {[string, string][]} */
  const merges = [];
  const current = [...sequences];
  /** @type {Map<string, number>} */
  const counts = new Map();
  /** @param {string[]} symbols @param {number} change */
  const tally = (symbols, change) => {
    for (let i = 1; i < symbols.length; i++) {
      const pair = `${symbols[i - 1]} ${symbols[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + change);
    }
  };
  for (const symbols of current) tally(symbols, 1);
  while (merges.length < count) {
    let best = "";
    let most = 1;
    for (const [pair, n] of counts) if (n > most) [best, most] = [pair, n];
    if (best === "") break;
    const space = best.indexOf(" ", 1);
    const [left, right] = [best.slice(0, space), best.slice(space + 1)];
    merges.push([left, right]);
    for (const [index, symbols] of current.entries()) {
      if (!symbols.includes(left)) continue;
      tally(symbols, -1);
      const joined = join(symbols, left, right);
      tally(joined, 1);
      current[index] = joined;
    }
    counts.delete(best);
  }
  return merges;
}

/**
 * @param {string[]} symbols
 * @param {string} left
 * @param {string} right
 */
function join(symbols, left, right) {
  const joined = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      joined.push(left + right);
      i++;
    } else joined.push(symbols[i]);
  }
  return joined;
}
