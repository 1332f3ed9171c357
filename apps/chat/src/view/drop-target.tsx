import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { chooseFile, modelState } from "../state/model.ts";
import { Icon } from "./icons.tsx";

const dragging = signal(false);

/** The whole page takes a model file. Text and links dragged about are none of its business. */
export function DropTarget(): JSX.Element | null {
  // From the first paint on: a file dropped on a page that does not listen takes the page's place.
  useLayoutEffect(() => {
    const hasFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true;
    const onOver = (event: DragEvent): void => {
      if (!hasFile(event)) return;
      event.preventDefault();
      dragging.value = modelState.peek().at !== "unavailable";
    };
    const onLeave = (event: DragEvent): void => {
      // Null: the pointer left the window, not one of its parts.
      if (event.relatedTarget === null) dragging.value = false;
    };
    const onDrop = (event: DragEvent): void => {
      if (!hasFile(event)) return;
      event.preventDefault();
      dragging.value = false;
      const file = event.dataTransfer?.files[0];
      if (file !== undefined && modelState.peek().at !== "unavailable") void chooseFile(file);
    };
    addEventListener("dragover", onOver);
    addEventListener("dragleave", onLeave);
    addEventListener("drop", onDrop);
    return () => {
      removeEventListener("dragover", onOver);
      removeEventListener("dragleave", onLeave);
      removeEventListener("drop", onDrop);
    };
  }, []);
  if (!dragging.value) return null;
  return (
    <div class="drop" aria-hidden="true">
      <div>
        <Icon name="file" size={36} />
        <p>Drop a .gguf file to load it</p>
        <p class="hint">It is read on this device and sent nowhere.</p>
      </div>
    </div>
  );
}
