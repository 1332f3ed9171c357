/**
 * The way in browsers that let a person install a page but give the page no button for it. Undefined where there is none or the browser
 * would have made its offer.
 * @param touchPoints of the screen: iPads call themselves Macs
 */
export function installWords(userAgent: string, touchPoints: number): string | undefined {
  const chromium = /Chrome|Chromium|CriOS|EdgiOS/.test(userAgent);
  if (/iPhone|iPad/.test(userAgent) || (/Macintosh/.test(userAgent) && touchPoints > 1))
    return "Tap the Share button, then “Add to Home Screen”.";
  if (/Android/.test(userAgent) && /Firefox/.test(userAgent)) return "Open the browser’s menu (⋮), then “Add app to Home screen”.";
  if (/Macintosh/.test(userAgent) && /Safari/.test(userAgent) && !chromium && !/Firefox/.test(userAgent))
    return "In the menu bar choose File, then “Add to Dock”.";
  if (/Windows/.test(userAgent) && /Firefox/.test(userAgent)) return "Choose “Add tab to taskbar” at the end of the address bar.";
  if (/Firefox/.test(userAgent))
    return "This browser does not install pages. Without that, too, Longtab opens at this address while offline: keep a bookmark.";
  return undefined;
}
