// Puts the page together: messages go into the model, panels paint what changed in it.

import { alerts } from "./alerts.js";
import { candles } from "./candles.js";
import { cards } from "./cards.js";
import { chaos } from "./chaos.js";
import { depth } from "./depth.js";
import { byId, make, put } from "./dom.js";
import { frames } from "./frames.js";
import { health } from "./health.js";
import { ladder } from "./ladder.js";
import { latency } from "./latency.js";
import { log } from "./log.js";
import { machine } from "./machine.js";
import { Model } from "./model.js";
import { Painter } from "./painter.js";
import { sessions } from "./sessions.js";
import { Link } from "./socket.js";
import { status } from "./status.js";
import { subscriptions } from "./subscriptions.js";
import { tape } from "./tape.js";
import { themes } from "./theme.js";
import { Wishes } from "./wishes.js";

const SAID_MS = 20_000;
const MOST_SAID = 8;

const model = new Model();
const painter = new Painter();
const wishes = new Wishes();
let restoring = false;
let connection = 0;

const link = new Link(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`, {
  heard(message) {
    const topics = model.apply(message);
    if (message.type === "hello") restore(message);
    else if (!restoring && (topics.includes("pairs") || topics.includes("look") || topics.includes("alerts"))) wishes.remember(model);
    if (message.type === "refused" && message.request == null) notice(message.reason);
    painter.changed(...topics);
  },
  changed: () => painter.changed("link"),
  probe: () => model.look && send({ type: "look", ...model.look }).catch(() => undefined),
});

const send = (message) => link.request(message);

/** For those who do not see the page; the text also stands where it belongs. Each is a line of its own
    for a while: one that took the place of another could do so before that was read out. */
function say(text) {
  const said = byId("said");
  const line = make("p", {}, text);
  said.append(line);
  while (said.childElementCount > MOST_SAID) said.firstElementChild.remove();
  setTimeout(() => line.remove(), SAID_MS);
}

/** What the server says unasked, where pairs are added: as a rule it is about one of them. */
function notice(text) {
  put(byId("add-answer"), text);
  say(text);
}

/** Bring back what was chosen, after the connection was lost. */
async function restore(hello) {
  connection += 1;
  const mine = connection;
  restoring = true;
  await Promise.allSettled(wishes.requests(hello).map(send));
  if (mine !== connection || link.state.kind !== "live") return; // Lost meanwhile: once more, then.
  restoring = false;
  if (model.pairs.length > 0) wishes.remember(model);
}

const context = { model, painter, wishes, link, send, say };
for (const panel of [status, cards, candles, ladder, depth, tape, health, machine, sessions, latency, log, frames, subscriptions, alerts, chaos]) {
  panel(context);
}
themes(byId("theme"), () => painter.changed("theme"));
setInterval(() => painter.changed("tick"), 1000);
link.start();
