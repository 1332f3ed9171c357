import { contextStates } from "./context.mjs";
import { conversationStates } from "./conversation.mjs";
import { installedStates } from "./installed.mjs";
import { modelStates } from "./model.mjs";
import { widgetStates } from "./widget.mjs";

/** Every state of the page and the widget, by name. A new one goes into the table that it belongs to. @type {import("./steps.mjs").States} */
export const states = { ...modelStates, ...conversationStates, ...contextStates, ...installedStates, ...widgetStates };

/** @param {import("./steps.mjs").State} state @param {string} url of the page with the double */
export function addressOf({ scenario = {} }, url) {
  return `${url}?scenario=${encodeURIComponent(JSON.stringify(scenario))}`;
}

export const shapes = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
