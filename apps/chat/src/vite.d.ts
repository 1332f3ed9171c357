/** What Vite puts in the place of `import.meta.env`; of it the page reads one word. */
interface ImportMeta {
  readonly env: { readonly DEV: boolean };
}
