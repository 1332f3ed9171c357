import type { ComponentChildren, JSX } from "preact";
import { useId, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icons.tsx";

/** A button that opens a few more; the browser's own popover closes on Esc and on a click elsewhere, and gives the focus back. */
export function Menu({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const place = (): void => {
    if (button.current === null || list.current === null) return;
    const { right, bottom, top } = button.current.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = list.current;
    list.current.style.left = `${Math.max(8, Math.min(right - width, innerWidth - width - 8))}px`;
    list.current.style.top = `${bottom + height + 8 > innerHeight ? Math.max(8, top - height - 4) : bottom + 4}px`;
  };
  return (
    <>
      <button
        type="button"
        class="icon-button menu-button"
        aria-label={label}
        title={label}
        ref={button}
        popovertarget={id}
        aria-haspopup="menu"
      >
        <Icon name="more" />
      </button>
      <div
        id={id}
        class="menu"
        popover="auto"
        role="menu"
        tabIndex={-1}
        aria-label={label}
        ref={list}
        onToggle={(event) => {
          if (event.newState !== "open") return;
          place();
          list.current?.querySelector("button")?.focus();
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.stopPropagation();
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (step === 0) return;
          event.preventDefault();
          const items = [...(list.current?.querySelectorAll("button") ?? [])];
          const at = items.findIndex((item) => item === document.activeElement);
          items[(at + step + items.length) % items.length]?.focus();
        }}
      >
        {children}
      </div>
    </>
  );
}

interface MenuItemProps {
  icon: IconName;
  /** Named in full for who does not see where the menu belongs. */
  label?: string;
  onClick: () => void;
  children: ComponentChildren;
}

export function MenuItem({ icon, label, onClick, children }: MenuItemProps): JSX.Element {
  return (
    <button
      type="button"
      role="menuitem"
      class="menu-item"
      aria-label={label}
      onClick={(event) => {
        event.currentTarget.closest<HTMLElement>("[popover]")?.hidePopover();
        onClick();
      }}
    >
      <Icon name={icon} size={18} /> {children}
    </button>
  );
}
