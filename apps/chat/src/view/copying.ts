import { announce, notify } from "../state/notices.ts";

const SHOWN_MS = 1600;

/** True when the text is on the clipboard; a refusal is said. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
    return true;
  } catch {
    notify("The browser did not allow copying. Select the text and copy it yourself.");
    return false;
  }
}

/** One listener for the copy buttons of all code blocks, those inside rendered Markdown included. */
export function copyCodeOnClick(event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest(".copy-code") : null;
  const code = button?.closest(".code-block")?.querySelector("code")?.textContent;
  if (button === null || code === undefined || code === null) return;
  void copyText(code).then((copied) => {
    if (!copied) return;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), SHOWN_MS);
  });
}
