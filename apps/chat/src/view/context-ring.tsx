import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { contextFill, NEARLY_FULL } from "../state/context.ts";
import { current, isEmpty, newConversation, removeEarliest } from "../state/conversations.ts";
import { generatingHere } from "../state/generation.ts";
import { formatCount } from "../text/format.ts";

const RADIUS = 8;
const AROUND = 2 * Math.PI * RADIUS;

/** How full the context is: a ring in the header, with the numbers and the ways out behind it. */
export function ContextRing(): JSX.Element | null {
  const open = useSignal(false);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const onPointerDown = (event: PointerEvent): void => {
      if (event.target instanceof Node && frame.current?.contains(event.target) !== true) open.value = false;
    };
    // Before the window's own listener, for which Esc means stop.
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || !open.value) return;
      event.stopPropagation();
      open.value = false;
    };
    document.addEventListener("pointerdown", onPointerDown);
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("pointerdown", onPointerDown);
      document.removeEventListener("keydown", onKeyDown);
    };
  }, [open]);
  const fill = contextFill.value;
  if (fill === null) return null;
  const percent = Math.round(fill.share * 100);
  const level = fill.share >= 1 ? "full" : fill.share >= NEARLY_FULL ? "nearly" : "";
  return (
    <div class={`context ${level}`} ref={frame}>
      <button
        type="button"
        class="chip"
        aria-expanded={open.value}
        aria-label={`Context ${percent}% full: ${formatCount(fill.used)} of ${formatCount(fill.total)} tokens`}
        title="Context"
        onClick={() => (open.value = !open.value)}
      >
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
          <circle class="ring-track" cx="10" cy="10" r={RADIUS} />
          <circle
            class="ring-fill"
            cx="10"
            cy="10"
            r={RADIUS}
            stroke-dasharray={`${fill.share * AROUND} ${AROUND}`}
            transform="rotate(-90 10 10)"
          />
        </svg>
        <span class="wide-only">{percent}%</span>
      </button>
      {open.value && (
        <section class="popover" aria-label="Context">
          <p>
            <strong>{formatCount(fill.used)}</strong> of {formatCount(fill.total)} tokens
          </p>
          <progress value={fill.share} aria-hidden="true" />
          <p class="hint">
            The model reads the whole conversation for each answer. When the context is full it cannot go on: begin a new chat, or delete
            early messages.
          </p>
          <div class="popover-ways">
            <button type="button" class="button" disabled={isEmpty.value} onClick={newConversation}>
              New chat
            </button>
            <button
              type="button"
              class="button"
              disabled={generatingHere.value || current.value.exchanges.length < 2}
              onClick={() => void removeEarliest()}
            >
              Delete early messages
            </button>
          </div>
        </section>
      )}
    </div>
  );
}
