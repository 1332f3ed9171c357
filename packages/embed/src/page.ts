/** The nearest ancestor that matches, through the shadows that it may stand in. */
export function closestAcross(element: Element, selector: string): Element | undefined {
  const found = element.closest(selector);
  if (found) return found;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? closestAcross(root.host, selector) : undefined;
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
