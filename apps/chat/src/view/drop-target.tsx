import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { isModelFile } from "../state/attachment.ts";
import { attachFile } from "../state/attachments.ts";
import { isConversationFile } from "../state/conversation-file.ts";
import { importFile } from "../state/importing.ts";
import { chooseFile, modelState } from "../state/model.ts";
import { dialog, focusComposer } from "../state/page.ts";
import { transferProblem } from "../state/transfer.ts";
import { Icon } from "./icons.tsx";

const dragging = signal(false);

/** The whole page takes a model's file, and texts to ask about. Words and links dragged about are none of its business. */
export function DropTarget(): JSX.Element | null {
  // From the first paint on: a file dropped on a page that does not listen takes the page's place.
  useLayoutEffect(() => {
    const hasFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") === true;
    const onOver = (event: DragEvent): void => {
      if (!hasFile(event)) return;
      event.preventDefault();
      dragging.value = true;
    };
    const onLeave = (event: DragEvent): void => {
      // Null: the pointer left the window, not one of its parts.
      if (event.relatedTarget === null) dragging.value = false;
    };
    const onDrop = (event: DragEvent): void => {
      if (!hasFile(event)) return;
      event.preventDefault();
      dragging.value = false;
      void take([...(event.dataTransfer?.files ?? [])]);
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
        <p>Drop a text to ask about it</p>
        <p class="hint">or a .gguf file to load it. Both are read on this device and sent nowhere.</p>
      </div>
    </div>
  );
}

async function take(files: readonly File[]): Promise<void> {
  for (const file of files) {
    if (await isConversationFile(file)) await importDropped(file);
    else if (!(await isModelFile(file))) await attachFile(file);
    else if (modelState.peek().at !== "unavailable") await chooseFile(file);
  }
  focusComposer();
}

/** What went wrong stands where files are imported otherwise. */
async function importDropped(file: File): Promise<void> {
  await importFile(file);
  if (transferProblem.peek() !== null) dialog.value = "settings";
}
