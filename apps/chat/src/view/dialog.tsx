import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Dialog, dialog } from "../state/page.ts";
import { IconButton } from "./icons.tsx";
import { LiveRegion, Toast } from "./notices.tsx";

/** A modal sheet. The browser's own <dialog> keeps the focus inside, closes on Esc and gives the focus back. */
export function Sheet({ name, title, children }: { name: Dialog; title: string; children: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    element.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const close = (): void => {
    if (dialog.peek() === name) dialog.value = null;
  };
  return (
    <dialog ref={element} class="sheet" aria-labelledby={`${name}-title`} onClose={close} closedby="any">
      <div class="sheet-body">
        <header class="sheet-head">
          <h2 id={`${name}-title`}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={close} />
        </header>
        {children}
        <Toast />
        <LiveRegion />
      </div>
    </dialog>
  );
}
