import type { JSX } from "preact";
import { announcement, dismissNotice, notice } from "../state/notices.ts";

/** One line at the foot of the page, with a way back where something was taken away. */
export function Toast(): JSX.Element | null {
  if (notice.value === null) return null;
  const { text, undo } = notice.value;
  return (
    <section class="toast" aria-label="Notice">
      <span>{text}</span>
      {undo !== undefined && (
        <button
          type="button"
          class="text-button"
          onClick={() => {
            dismissNotice();
            undo();
          }}
        >
          Undo
        </button>
      )}
    </section>
  );
}

/** What a screen reader says next. */
export function LiveRegion(): JSX.Element {
  return (
    <output class="unseen" aria-live="polite">
      {announcement.value}
    </output>
  );
}
