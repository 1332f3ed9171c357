/** The nearest ancestor that matches, through the shadows that it may stand in. */
export function closestAcross(element: Element, selector: string): Element | undefined {
  const found = element.closest(selector);
  if (found) return found;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? closestAcross(root.host, selector) : undefined;
}

/** Whether what is written on a page is light, so that the page is dark; backgrounds can be pictures, and say less. */
export function isDark(element: Element): boolean {
  const { color } = getComputedStyle(element);
  const [first = 0, second = 0, third = 0] = (color.match(/[\d.]+/g) ?? []).map(Number);
  if (color.startsWith("rgb")) return (0.2126 * first + 0.7152 * second + 0.0722 * third) / 255 > 0.5;
  if (color.startsWith("color(")) return 0.2126 * first + 0.7152 * second + 0.0722 * third > 0.5;
  // Lightness comes first in the others: to 1 in oklab and oklch, to 100 in lab and lch.
  return color.startsWith("ok") ? first > 0.6 : first > 50;
}

/** Whether a text can be looked for in a page. */
export function isSelector(text: string): boolean {
  try {
    document.createDocumentFragment().querySelector(text);
    return true;
  } catch {
    return false;
  }
}
