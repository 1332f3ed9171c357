import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type ContextFill, contextFill, cacheParts, NEARLY_FULL } from "../state/context.ts";
import type { CachePart } from "../state/cache-parts.ts";
import { formatCount, formatShort } from "../text/format.ts";
import { ContextPopover } from "./context-popover.tsx";

const RADIUS = 8;
const AROUND = 2 * Math.PI * RADIUS;

/** What the model has of the conversation: a ring in the header, with the figures and the ways out behind it. */
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
  const parts = cacheParts.value;
  return (
    <div class={`context ${levelOf(fill)}`} ref={frame}>
      <button
        type="button"
        class="chip context-chip"
        aria-expanded={open.value}
        aria-label={describe(fill)}
        title="Context"
        onClick={() => (open.value = !open.value)}
      >
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
          <circle class="ring-track" cx="10" cy="10" r={RADIUS} />
          {arcs(fill, parts).map(({ kind, from, to }) => (
            <circle
              key={kind}
              class={`ring-fill kind-${kind}`}
              cx="10"
              cy="10"
              r={RADIUS}
              stroke-dasharray={`${(to - from) * AROUND} ${AROUND}`}
              transform={`rotate(${from * 360 - 90} 10 10)`}
            />
          ))}
        </svg>
        <span class="wide-only">{fill.endless ? fill.used > 0 && formatShort(fill.used) : `${Math.round(fill.share * 100)}%`}</span>
      </button>
      {open.value && <ContextPopover fill={fill} parts={parts} />}
    </div>
  );
}

/** Only a conversation that ends gives cause for concern. */
function levelOf({ share, endless }: ContextFill): string {
  if (endless) return "";
  return share >= 1 ? "full" : share >= NEARLY_FULL ? "nearly" : "";
}

function describe({ used, keeps, share, endless }: ContextFill): string {
  if (!endless) return `Context ${Math.round(share * 100)}% full: ${formatCount(used)} of ${formatCount(keeps)} tokens`;
  return `Context: ${formatCount(used)} tokens, without end`;
}

interface Arc {
  kind: string;
  /** Shares of the way around. */
  from: number;
  to: number;
}

/** The ring is what is kept at most or, once there was more, all that was read. */
function arcs({ used, keeps }: ContextFill, parts: readonly CachePart[]): Arc[] {
  const whole = Math.max(used, keeps);
  if (parts.length === 0) return [{ kind: "all", from: 0, to: Math.min(used / whole, 1) }];
  let from = 0;
  return parts.map(({ kind, tokens }) => {
    const arc = { kind, from, to: Math.min(from + tokens / whole, 1) };
    from = arc.to;
    return arc;
  });
}
