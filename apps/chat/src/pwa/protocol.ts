/** Words that the page and its service worker share. */

/** Said to a version that waits: take over now. */
export const APPLY = "longtab:apply";
/** Where the system sends what is shared with the app, as the web manifest says; below the page's own folder. */
export const SHARE = "share";
