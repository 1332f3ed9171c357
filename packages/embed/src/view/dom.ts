/** Makes an element: properties are set, attributes are those with a dash and `role`, `part` and `class`. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Readonly<Record<string, unknown>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (/-|^(?:role|part|class|popover)$/.test(name)) element.setAttribute(name, String(value));
    else Object.assign(element, { [name]: value });
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Lines on a ground of 24 by 24. */
const paths = {
  send: "M12 19V5m-6 6 6-6 6 6",
  stop: "M7 7h10v10H7z",
  close: "m6 6 12 12M18 6 6 18",
  clear: "M12 5v14M5 12h14",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  done: "m5 12 5 5 9-10",
  chat: "M4 5.5h16v11h-9L6.5 20v-3.5H4z",
} as const;

export type IconName = keyof typeof paths;

export function icon(name: IconName): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", paths[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

/** A button that shows an icon, or words. Its name is given later, in the visitor's language. */
export function button(part: string, content: Node | string, onClick: () => void): HTMLButtonElement {
  const element = h("button", { type: "button", part, class: part }, content);
  element.addEventListener("click", onClick);
  return element;
}

/** Names a button that has only an icon. */
export function label(element: HTMLElement, text: string): void {
  element.setAttribute("aria-label", text);
  element.title = text;
}
