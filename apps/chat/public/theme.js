// A chosen theme, set before the first paint so that the page never flashes in the other one.
try {
  const { theme } = /** @type {{ theme?: unknown }} */ (JSON.parse(localStorage.getItem("longtab-settings") ?? "{}"));
  if (theme === "light" || theme === "dark") document.documentElement.dataset["theme"] = theme;
} catch {
  // No storage, no choice: the system's colours.
}
