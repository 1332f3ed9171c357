/** Runs a function at most once a frame, however often it is asked for. */
export interface FrameBatch {
  request(): void;
  cancel(): void;
}

/** Rendering may take this share of the time; a message that renders slowly is shown less often instead of freezing the page. */
const RENDER_SHARE = 0.2;
/** But never less often than this: a render that took long because the machine was busy elsewhere says little about the next. */
const LONGEST_PAUSE_MS = 400;

/**
 * `render` sets signals; Preact renders what hangs on them in a microtask, so one queued behind it sees the whole cost.
 * A hidden tab has no frames: its text gathers and is shown at once when the tab comes back.
 */
export function frameBatch(render: () => void): FrameBatch {
  let frame = 0;
  let notBefore = 0;

  const run = (now: number): void => {
    if (now < notBefore) {
      frame = requestAnimationFrame(run);
      return;
    }
    frame = 0;
    const began = performance.now();
    render();
    queueMicrotask(() => {
      const ended = performance.now();
      notBefore = ended + Math.min((ended - began) * (1 / RENDER_SHARE - 1), LONGEST_PAUSE_MS);
    });
  };

  return {
    request() {
      if (frame === 0) frame = requestAnimationFrame(run);
    },
    cancel() {
      cancelAnimationFrame(frame);
      frame = 0;
    },
  };
}
