/** Attributes that are also properties, by the property's name. */
export const mirrored = {
  model: "model",
  modelBase: "model-base",
  system: "system",
  context: "context",
  backend: "backend",
  placeholder: "placeholder",
  theme: "theme",
  opener: "opener",
} as const;

/** Gives an element's prototype the properties: they read and write the attributes, and null removes one. */
export function mirrorAttributes(prototype: HTMLElement): void {
  for (const [property, attribute] of Object.entries(mirrored)) {
    Object.defineProperty(prototype, property, {
      configurable: true,
      enumerable: true,
      get(this: HTMLElement) {
        return this.getAttribute(attribute) ?? "";
      },
      set(this: HTMLElement, value: string | null | undefined) {
        if (value === null || value === undefined) this.removeAttribute(attribute);
        else this.setAttribute(attribute, value);
      },
    });
  }
}

/** What a page has set before the element's script came are properties of the element's own, which hide those of its prototype. */
export function takeEarlyProperties(element: HTMLElement, more: readonly string[]): void {
  for (const name of [...Object.keys(mirrored), ...more]) {
    if (!Object.hasOwn(element, name)) continue;
    const value: unknown = Reflect.get(element, name);
    Reflect.deleteProperty(element, name);
    Reflect.set(element, name, value);
  }
}
