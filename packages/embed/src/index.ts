import { LongtabChat } from "./element.ts";

export { LongtabChat } from "./element.ts";
export type { ChatEventMap, ChatMessageDetail } from "./events.ts";
export type { Strings } from "./strings/strings.ts";

// Not in one expression, which bundlers take for a file of theirs.
const script = import.meta.url;
LongtabChat.ownModels = new URL("../models/", script).href;

// A page may load the script twice.
if (!customElements.get("longtab-chat")) customElements.define("longtab-chat", LongtabChat);

declare global {
  interface HTMLElementTagNameMap {
    "longtab-chat": LongtabChat;
  }
}
