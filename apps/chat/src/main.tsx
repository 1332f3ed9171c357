import { render } from "preact";
import { App } from "./app.tsx";
import { sweepNow } from "./state/attached-texts.ts";
import { startCounting } from "./state/attachment-tokens.ts";
import { startBackends } from "./state/backend.ts";
import { startContext } from "./state/context.ts";
import { startConversations } from "./state/conversations.ts";
import { startSendingWhenReady } from "./state/generation.ts";
import { startIsolation } from "./state/isolation.ts";
import { startMemory } from "./state/memory.ts";
import { startModel } from "./state/model.ts";
import { startSettings } from "./state/settings.ts";
import "./style/index.css";

startSettings();
startContext();
startSendingWhenReady();
startBackends();
startMemory();
startCounting();
const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no #app");
// Conversations are there before the first paint: the page never shows a welcome and then a conversation over it.
await startConversations();
sweepNow();
render(<App />, root);
startIsolation();
await startModel();
