const INTERVAL = { terminal: 200, log: 5000 };

/**
 * Shows how far a job of known size has come: one line that renews itself on a terminal, now and then a line in a log.
 * @template T
 * @param {number} total bytes
 * @param {(onProgress: (done: number) => void) => Promise<T>} job
 * @returns {Promise<T>}
 */
export async function progress(total, job) {
  const terminal = process.stderr.isTTY;
  let started = 0;
  let first = -1;
  let shown = 0;
  const show = (/** @type {number} */ done) => {
    const now = performance.now();
    if (first < 0) {
      // What an earlier run had fetched, and the time before the first byte, say nothing about the speed.
      first = done;
      started = now;
      shown = now;
    }
    if (done < total && now - shown < (terminal ? INTERVAL.terminal : INTERVAL.log)) return;
    shown = now;
    const rate = (done - first) / Math.max(1e-3, (now - started) / 1000);
    const left = rate > 0 && done < total ? `, ${Math.ceil((total - done) / rate)} s left` : "";
    const line = `  ${Math.floor((100 * done) / total)}%  ${mega(done)} of ${mega(total)} MB, ${mega(rate)} MB/s${left}`;
    process.stderr.write(terminal ? `\r\u001B[K${line}` : `${line}\n`);
  };
  try {
    return await job(show);
  } finally {
    if (terminal && first >= 0) process.stderr.write("\n");
  }
}

/** @param {number} bytes */
function mega(bytes) {
  return (bytes / 1e6).toFixed(1);
}
