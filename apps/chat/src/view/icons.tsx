import type { JSX } from "preact";

/** Line icons on a 24-unit grid, 1.75 units thick, in the text's colour. Decoration: the button around one carries the words. */
const PATHS = {
  menu: "M4 7h16M4 12h16M4 17h10",
  panel:
    "M4.75 5h14.5a1.75 1.75 0 0 1 1.75 1.75v10.5A1.75 1.75 0 0 1 19.25 19H4.75A1.75 1.75 0 0 1 3 17.25V6.75A1.75 1.75 0 0 1 4.75 5ZM9 5v14",
  plus: "M12 5v14M5 12h14",
  send: "M12 19V5.5M6 11l6-6 6 6",
  copy: "M9 9.5A1.5 1.5 0 0 1 10.5 8h8A1.5 1.5 0 0 1 20 9.5v9a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 9 18.5ZM6 15.5h-.5A1.5 1.5 0 0 1 4 14V5.5A1.5 1.5 0 0 1 5.5 4H14a1.5 1.5 0 0 1 1.5 1.5",
  check: "m5 12.5 4.5 4.5L19 7.5",
  again: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15",
  pencil: "m14.5 6 3.5 3.5M4.5 19.5l.8-4L16 4.8a1.8 1.8 0 0 1 2.5 0l.7.7a1.8 1.8 0 0 1 0 2.5L8.5 18.7Z",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12a1.2 1.2 0 0 0 1.2 1h7a1.2 1.2 0 0 0 1.2-1l.8-12M10.2 11v5M13.8 11v5",
  sliders: "M4 8h9M17 8h3M4 16h3M11 16h9M15 5.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4ZM9 13.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4Z",
  chip: "M8.5 6.5h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM10 3.5v3M14 3.5v3M10 17.5v3M14 17.5v3M3.5 10h3M3.5 14h3M17.5 10h3M17.5 14h3",
  close: "m6 6 12 12M18 6 6 18",
  down: "M12 5v13.5M6 13l6 6 6-6",
  chevron: "m7 10 5 5 5-5",
  file: "M13.5 3.5h-6A1.5 1.5 0 0 0 6 5v14a1.5 1.5 0 0 0 1.5 1.5h9A1.5 1.5 0 0 0 18 19V8ZM13.5 3.5V8H18",
  clip: "m19.5 11.5-7.4 7.4a4.6 4.6 0 0 1-6.5-6.5l7.9-7.9a3.1 3.1 0 0 1 4.4 4.4l-7.7 7.7a1.6 1.6 0 0 1-2.2-2.2l7-7",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4",
  moon: "M19.5 14.2A7.8 7.8 0 0 1 9.8 4.5a7.8 7.8 0 1 0 9.7 9.7Z",
  auto: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16ZM12 4v16M12 8.5l5.5-2M12 13l7.8-2.6M12 17.5l6.6-2.4",
  keyboard:
    "M4.5 6.5h15A1.5 1.5 0 0 1 21 8v8a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 16V8a1.5 1.5 0 0 1 1.5-1.5ZM7 10.2h.01M10.3 10.2h.01M13.7 10.2h.01M17 10.2h.01M8.5 14h7",
  offline: "M4.5 4.5 19 19M8.2 8.3A5.8 5.8 0 0 0 7 10a4.3 4.3 0 0 0 .3 8.5h9.4M10.8 6.6A5.8 5.8 0 0 1 18.2 11a3.9 3.9 0 0 1 1.6 6.6",
  install: "M12 4v10.5M7.5 10.5 12 15l4.5-4.5M5 19.5h14",
  info: "M12 3.8a8.2 8.2 0 1 1 0 16.4 8.2 8.2 0 0 1 0-16.4ZM12 11v5M12 8v.01",
  search: "M10.5 4.5a6 6 0 1 1 0 12 6 6 0 0 1 0-12ZM15 15l5 5",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  pin: "M9 4.5h6l-.8 6 3.3 3.2v1.8H6.5v-1.8l3.3-3.2ZM12 15.5v5",
  unpin: "M9 4.5h6l-.8 6 3.3 3.2v1.8H6.5v-1.8l3.3-3.2ZM12 15.5v5M4 4l16 16",
  branch: "M7 4.5v9M7 13.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM17 4.5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM17 10.5c0 4-4 4.6-7.3 4.9",
  download: "M12 4v11M7 10.5l5 5 5-5M5 19.5h14",
  upload: "M12 15.5v-11M7 9l5-5 5 5M5 19.5h14",
  device: "M5.5 5h13A1.5 1.5 0 0 1 20 6.5v8.5H4V6.5A1.5 1.5 0 0 1 5.5 5ZM2.5 18.5h19",
  lock: "M6.5 11h11A1.5 1.5 0 0 1 19 12.5v6a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 5 18.5v-6A1.5 1.5 0 0 1 6.5 11ZM8 11V8a4 4 0 1 1 8 0v3",
  left: "m14 6-6 6 6 6",
  right: "m10 6 6 6-6 6",
  play: "M8 5.5v13l10.5-6.5Z",
  alert: "M12 4.5 21 19.5H3ZM12 10v4.2M12 16.9v.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={PATHS[name]} fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

/** The mark: an L and the caret behind it, a line that is still being written. */
export function Mark({ size = 28 }: { size?: number }): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d="M9.5 8v11.5a4 4 0 0 0 4 4h3.5" fill="none" stroke="var(--on-accent)" stroke-width="3.4" stroke-linecap="round" />
      <path d="M22.8 15.5v8" fill="none" stroke="var(--on-accent)" stroke-width="3.4" stroke-linecap="round" opacity="0.65" />
    </svg>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick: (event: MouseEvent) => void;
  disabled?: boolean;
  size?: number;
  class?: string;
  expanded?: boolean;
}

/** A button that is only an icon; its label is read aloud and shown as a tooltip. */
export function IconButton({
  icon,
  label,
  onClick,
  disabled = false,
  size = 20,
  class: extra = "",
  expanded,
}: IconButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class={`icon-button ${extra}`}
      aria-label={label}
      title={label}
      onClick={onClick}
      disabled={disabled}
      aria-expanded={expanded}
    >
      <Icon name={icon} size={size} />
    </button>
  );
}
